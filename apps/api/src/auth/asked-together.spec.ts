import { AskedTogether } from './asked-together.js';

/** A store that answers, when it is let, what it holds at the moment it is asked. */
function slowStore() {
  const waiting: { readonly answer: () => void; readonly fail: () => void }[] = [];
  const store = { holds: 0, asked: 0 };
  const ask = () => {
    const held = store.holds;
    store.asked++;
    return new Promise<number>((answer, fail) => {
      waiting.push({ answer: () => answer(held), fail: () => fail(new Error('away')) });
    });
  };
  const end = async (how: 'answer' | 'fail' = 'answer') => {
    waiting.shift()?.[how]();
    await new Promise(setImmediate);
  };
  return { store, ask, end };
}

describe('a question that many ask at once', () => {
  it('is asked once for all who came while another was answered, and never answered from before it', async () => {
    const { store, ask, end } = slowStore();
    const together = new AskedTogether(ask);
    const first = together.ask('a');
    store.holds = 1;
    const later = [together.ask('a'), together.ask('a'), together.ask('a')];
    await end();
    store.holds = 2;
    const last = together.ask('a');
    await end();
    await end();
    expect([await first, await Promise.all(later), await last]).toEqual([0, [1, 1, 1], 2]);
    expect(store.asked).toBe(3);
  });

  it('is asked for each key alone', async () => {
    const { store, ask, end } = slowStore();
    const together = new AskedTogether(ask);
    const both = Promise.all([together.ask('a'), together.ask('b')]);
    expect(store.asked).toBe(2);
    await end();
    await end();
    expect(await both).toEqual([0, 0]);
  });

  it('is asked anew for those who waited behind a failure, and forgotten when nobody waits', async () => {
    const { store, ask, end } = slowStore();
    const together = new AskedTogether(ask);
    const [failed, next] = [together.ask('a').catch((error: Error) => error.message), together.ask('a')];
    await end('fail');
    await end();
    expect([await failed, await next]).toEqual(['away', 0]);
    const alone = together.ask('a');
    expect(store.asked).toBe(3);
    await end();
    expect(await alone).toBe(0);
  });

  it('does not keep those who wait behind one that is never answered', async () => {
    let asked = 0;
    const together = new AskedTogether(
      () => (++asked === 1 ? new Promise<number>(() => undefined) : Promise.resolve(asked)),
      20,
    );
    void together.ask('a');
    expect(await Promise.all([together.ask('a'), together.ask('a')])).toEqual([2, 2]);
    expect(await together.ask('a')).toBe(3);
  });
});
