/** `DESTINATION_NAMESPACE` as `destination_namespace`: the name of a label or a field. */
export function labelName(code: string): string {
  return code.toLowerCase();
}

/** `POLICY_DEFAULT_DENY` as `Policy default deny`, to be read by people. */
export function plain(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `shop/cart`, or the name alone where there is no namespace. */
export function scopedName({ namespace, name }: { readonly namespace: string | null; readonly name: string }): string {
  return namespace === null ? name : `${namespace}/${name}`;
}
