const SLICE_MS = 4;

/** Does all of the work now. */
export function atOnce<T>(steps: Generator<void, T, void>): T {
	for (;;) {
		const step = steps.next();
		if (step.done === true) return step.value;
	}
}

/** Does the work a few milliseconds at a time, so that calls go on between; the first slice is done before it returns. */
export async function inSlices<T>(steps: Generator<void, T, void>): Promise<T> {
	for (;;) {
		const end = performance.now() + SLICE_MS;
		do {
			const step = steps.next();
			if (step.done === true) return step.value;
		} while (performance.now() < end);
		await new Promise((resolve) => setImmediate(resolve));
	}
}
