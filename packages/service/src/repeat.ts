export interface Repetition {
	/** Stops repeating; resolves when a run in progress has ended. */
	stop(): Promise<void>;
}

/**
 * Runs `task` every `everyMs`, one at a time: a run that takes longer delays the next. It goes by the monotonic
 * clock, so that a wall clock that jumps neither stops it nor makes it race.
 *
 * @param task must not throw; it handles its own failures
 */
export function repeat(task: () => Promise<void>, everyMs: number): Repetition {
	let stopped = false;
	let timer: NodeJS.Timeout | undefined;
	let running: Promise<void> = Promise.resolve();
	const run = () => {
		const startedAt = performance.now();
		running = task().then(() => {
			if (!stopped) {
				timer = setTimeout(run, Math.max(0, everyMs - (performance.now() - startedAt)));
			}
		});
	};
	timer = setTimeout(run, 0);
	return {
		async stop() {
			stopped = true;
			clearTimeout(timer);
			await running;
		},
	};
}
