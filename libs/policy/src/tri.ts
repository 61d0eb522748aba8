/** Yes, no, or undefined: it hangs on a fact that is not known. */
export type Tri = boolean | undefined;

/** All hold: one no is enough for no, otherwise one unknown makes it unknown. */
export function allOf<T>(items: readonly T[], test: (item: T) => Tri): Tri {
  let result: Tri = true;
  for (const item of items) {
    const one = test(item);
    if (one === false) return false;
    if (one === undefined) result = undefined;
  }
  return result;
}

/** Any holds: one yes is enough for yes, otherwise one unknown makes it unknown. */
export function anyOf<T>(items: readonly T[], test: (item: T) => Tri): Tri {
  let result: Tri = false;
  for (const item of items) {
    const one = test(item);
    if (one === true) return true;
    if (one === undefined) result = undefined;
  }
  return result;
}

/** Yes becomes no and no becomes yes; what is unknown stays so. */
export function not(value: Tri): Tri {
  return value === undefined ? undefined : !value;
}
