/** Bytes that all requests together may hold: more load is answered with "later", not with memory. */
export class ByteBudget {
  private used = 0;

  constructor(private readonly limit: number) {}

  /** Opens an account for one request; `release` gives back what it took. */
  open(): { readonly take: (bytes: number) => boolean; readonly release: () => void } {
    let taken = 0;
    return {
      take: (bytes) => {
        if (this.used + bytes > this.limit) return false;
        this.used += bytes;
        taken += bytes;
        return true;
      },
      release: () => {
        this.used -= taken;
        taken = 0;
      },
    };
  }
}
