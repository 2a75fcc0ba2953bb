/** An engine that gives a unit one of two arms, treatment or not. */
export interface Engine {
	readonly name: string;
	/** What a call of its API takes for this id; made beforehand, so that only the assignment is timed. */
	context(id: string): unknown;
	/** Assigns all of them, and counts the treatments. Each engine has a loop of its own, which V8 compiles for it. */
	run(contexts: readonly unknown[]): number | Promise<number>;
	close?(): void | Promise<void>;
}
