import { useState, type FormEvent } from 'react';

interface Props {
  readonly reason: string;
  readonly accept: (token: string) => void;
}

/** Asks for the token of a viewer; this browser keeps it. */
export function TokenForm({ reason, accept }: Props) {
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== '') accept(text.trim());
  };
  return (
    <main className="welcome">
      <form onSubmit={submit}>
        <h1>Whydrop</h1>
        <p>Why was it dropped? To see, a token with the role viewer is needed.</p>
        <label>
          Token
          <input
            type="password"
            autoFocus
            autoComplete="off"
            spellCheck={false}
            placeholder="whd_…"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        {reason !== '' && (
          <p className="problem" role="alert">
            {reason}
          </p>
        )}
        <button type="submit">Open</button>
        <p className="hint">
          Make one with <code>whydrop token create --name me --role viewer</code> It stays in this browser.
        </p>
      </form>
    </main>
  );
}
