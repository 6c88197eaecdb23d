/** One value and those who want to know when it changes. */

export class Store<T extends object> {
  private readonly listeners = new Set<(value: T, before: T) => void>();

  constructor(private value: T) {}

  get(): T {
    return this.value;
  }

  /** Changes some members; nobody is told if all of them were so already. */
  set(patch: Partial<T>): void {
    const before = this.value;
    const names = Object.keys(patch) as (keyof T)[];
    if (names.every((name) => before[name] === patch[name])) return;
    this.value = { ...before, ...patch };
    for (const listener of [...this.listeners]) listener(this.value, before);
  }

  subscribe(listener: (value: T, before: T) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
