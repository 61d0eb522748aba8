import { matches, parseSelector, selectorText } from './selector.js';

function canonical(text: string): string {
  const selector = parseSelector(text);
  return selector.kind === 'error' ? `error: ${selector.detail}` : selectorText(selector);
}

describe('the canonical form of a selector', () => {
  it.each([
    ['', 'all()'],
    ['  \t', 'all()'],
    [' all() ', 'all()'],
    [' (all() )', 'all()'],
    ['all( )', 'all()'],
    ['global()', 'global()'],
    ['! (has( b)||! has(a ))', '!(has(b) || !has(a))'],
    ['! (a == "b"&&! c != "d")', '!(a == "b" && !c != "d")'],
    [`k == 'v' && x == 'y'`, '(k == "v" && x == "y")'],
    [`a == '"'`, `a == '"'`],
    [`a == "'"`, `a == "'"`],
    [`a startswith '"'`, `a starts with '"'`],
    [`a starts with 'x'`, 'a starts with "x"'],
    [`a endswith 'x'`, 'a ends with "x"'],
    [`a ends  with 'x'`, 'a ends with "x"'],
    [`a!='"'`, `a != '"'`],
    ['a in {"z", "z", "x", "y", "x", "a"}', 'a in {"a", "x", "y", "z"}'],
    ['a in {"z",}', 'a in {"z"}'],
    ['a in {}', 'a in {}'],
    ['a in{"b"}', 'a in {"b"}'],
    ['a notin {"b"}', 'a not in {"b"}'],
    ['a not  in {"b"}', 'a not in {"b"}'],
    [`in in {'in'}`, 'in in {"in"}'],
    [`contains contains 'contains'`, 'contains contains "contains"'],
    [`has == 'x'`, 'has == "x"'],
    [`all == 'x'`, 'all == "x"'],
    [`has(has)`, 'has(has)'],
    [`kubernetes.io/metadata.name == 'a'`, 'kubernetes.io/metadata.name == "a"'],
    ['!!has(a)', 'has(a)'],
    ['!!! has(a)', '!has(a)'],
    [`a == 'x' || b == 'y' && c == 'z'`, '(a == "x" || (b == "y" && c == "z"))'],
    [`((a == 'x'))`, 'a == "x"'],
    [`(a == 'x' && b == 'y') && c == 'z'`, '((a == "x" && b == "y") && c == "z")'],
    [
      `!(!(k == 'v' && has(t) || all()) && (a in {'b', 'c'}))`,
      '!(!((k == "v" && has(t)) || all()) && a in {"b", "c"})',
    ],
  ])('%s is %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });
});

describe('what is no selector', () => {
  it.each([
    'b == b',
    `'b1' == b`,
    'b',
    'a b',
    '!',
    'foo == "bar" &',
    'foo == "bar" |',
    'foo in ""',
    'foo in {"", ||',
    '"FOO',
    `"FOO'`,
    '(',
    '(a == "foo"',
    ')',
    '()',
    '%',
    'a == "b" && %',
    'a ',
    'has(foo) &&',
    'b contains b',
    'a = "b"',
    'a == "b" c == "d"',
    'has()',
    'has(a',
    'has (a)',
    'all',
    'a in {"b" "c"}',
    'a in {,}',
    'a in ("b")',
    'a not {"b"}',
    'a == "b"\n',
    'a == "b" && && c == "d"',
    '|| a == "b"',
    `a == 'b"`,
    'a > "b"',
    'a in {b}',
    `${'a'.repeat(513)} == "x"`,
    'a instead "b"',
    'global',
    '== "b"',
  ])('%s', (text) => {
    expect(canonical(text)).toMatch(/^error: .+/);
  });
});

describe('matching', () => {
  const labels = (text: string) =>
    new Map(
      text
        .split(',')
        .filter(Boolean)
        .map((pair) => pair.split('=', 2) as [string, string]),
    );
  it.each([
    [`a == "b"`, '', false],
    [`a == "b"`, 'a=b', true],
    [`a != "a"`, '', true],
    [`a != "a"`, 'a=a', false],
    [`a not in {"'", '"', "c"}`, '', true],
    [`a not in {"c"}`, 'a=c', false],
    [`a in {"'", '"', "c"}`, 'a="', true],
    [`!a in {"a"}`, 'a=b', true],
    [`a in {}`, 'a=b', false],
    [`a not in {}`, 'a=b', true],
    [`a contains "a"`, 'a=bab', true],
    [`a contains "a"`, 'b=aaa', false],
    [`a contains ""`, 'a=x', true],
    [`a contains ""`, '', false],
    [`a starts with "ba"`, 'a=bab', true],
    [`a starts with "ab"`, 'a=bab', false],
    [`a ends with "ab"`, 'a=bab', true],
    [`a ends with "ab"`, '', false],
    ['!!! has(a)', 'a=b', false],
    ['has(a)', 'a=', true],
    [`a == 'a1' || b != 'b1'`, 'a=a1,b=b1', true],
    ['!(!has(a) || has(b))', 'a=a', true],
    ['!(!has(a) || has(b))', 'a=a,b=b', false],
    ['global()', 'x=y', true],
    ['all()', '', true],
    [`has(constructor)`, '', false],
    [`toString == 'x'`, '', false],
  ])('%s of {%s} is %s', (text, of, expected) => {
    const selector = parseSelector(text);
    expect(selector.kind).not.toBe('error');
    expect(selector.kind !== 'error' && matches(selector, labels(of))).toBe(expected);
  });

  it('does not use the name of an object method as a label', () => {
    expect(canonical('constructor == "x"')).toBe('constructor == "x"');
  });
});
