export interface Repetition {
	/** There is something new: runs as soon as the gap to the last run allows, not only when its turn comes. */
	soon(): void;
	/** Stops repeating; resolves when a run in progress has ended. */
	stop(): Promise<void>;
}

export interface RepeatOptions {
	/** Longest time between the starts of two runs, in milliseconds; a run that takes longer delays the next. */
	everyMs: number;
	/** Shortest time between the starts of two runs, however often `soon` is called. */
	gapMs: number;
}

/**
 * Runs `task` again and again, one at a time. It goes by the monotonic clock, so that a wall clock that jumps
 * neither stops it nor makes it race.
 *
 * @param task must not throw; it handles its own failures
 */
export function repeat(task: () => Promise<void>, { everyMs, gapMs }: RepeatOptions): Repetition {
	let stopped = false;
	let wanted = false;
	let timer: NodeJS.Timeout | undefined;
	let running: Promise<void> | undefined;
	let startedAt = Number.NEGATIVE_INFINITY;

	const schedule = () => {
		if (stopped || running !== undefined) {
			return;
		}
		clearTimeout(timer);
		timer = setTimeout(run, Math.max(0, startedAt + (wanted ? gapMs : everyMs) - performance.now()));
	};
	const run = () => {
		wanted = false;
		startedAt = performance.now();
		running = task().finally(() => {
			running = undefined;
			schedule();
		});
	};
	schedule();
	return {
		soon() {
			wanted = true;
			schedule();
		},
		async stop() {
			stopped = true;
			clearTimeout(timer);
			await running;
		},
	};
}
