import { useEffect, useState } from 'react';
import { RANGES, type View } from '../api/filter';
import { CAUSES } from '../api/queries';
import { useQuery } from '../api/use-query';
import { plain } from '../parts/words';

interface Props {
  readonly view: View;
  readonly change: (part: Partial<View>) => void;
  readonly refresh: () => void;
}

interface Causes {
  readonly __type: { readonly enumValues: readonly { readonly name: string; readonly description: string }[] };
}

interface TextFieldProps {
  readonly label: string;
  readonly placeholder: string;
  readonly wide?: boolean;
  readonly value: string;
  readonly change: (text: string) => void;
}

/** A text field that tells of its text when the person pauses. */
function TextField({ label, placeholder, wide = false, value, change }: TextFieldProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => change(text.trim()), 300);
    return () => clearTimeout(timer);
  }, [text, value, change]);
  return (
    <label className={wide ? 'field wide' : 'field'}>
      <span>{label}</span>
      <input
        type="search"
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </label>
  );
}

export function Filters({ view, change, refresh }: Props) {
  const causes = useQuery<Causes>(CAUSES, {}).data?.__type.enumValues ?? [];
  const mode = (name: View['mode'], label: string) => (
    <button type="button" aria-pressed={view.mode === name} onClick={() => change({ mode: name, open: '' })}>
      {label}
    </button>
  );
  return (
    <form className="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <div className="switch" role="group" aria-label="Show">
        {mode('groups', 'Groups')}
        {mode('drops', 'Drops')}
      </div>
      <label className="field">
        <span>Time</span>
        <select value={view.last} onChange={(event) => change({ last: event.target.value })}>
          {RANGES.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <TextField
        label="Namespace"
        placeholder="any"
        value={view.namespace}
        change={(namespace) => change({ namespace })}
      />
      <label className="field">
        <span>Cause</span>
        <select value={view.cause} onChange={(event) => change({ cause: event.target.value })}>
          <option value="">any</option>
          {causes.map(({ name, description }) => (
            <option key={name} value={name} title={description}>
              {plain(name)}
            </option>
          ))}
        </select>
      </label>
      <TextField
        label="Text"
        wide
        placeholder={view.mode === 'groups' ? 'workload, policy, node' : 'workload, policy, words'}
        value={view.text}
        change={(text) => change({ text })}
      />
      <label className="check" title="Connections that failed though no rule stopped them">
        <input type="checkbox" checked={view.failed} onChange={(event) => change({ failed: event.target.checked })} />
        also failed
      </label>
      <button type="button" className="quiet" onClick={refresh}>
        Refresh
      </button>
    </form>
  );
}
