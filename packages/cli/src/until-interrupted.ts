const SAME_SIGNAL_MS = 1000;

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP. A second one, at least a moment later, ends the process at once,
 * for people who do not want to wait for an orderly stop. It does so by SIGKILL: an ordinary exit would run into
 * chDB's threads in the middle of their work. Children notice that their parent is gone.
 */
export function untilInterrupted(): Promise<NodeJS.Signals> {
	return new Promise((resolve) => {
		let firstAt: number | undefined;
		const onSignal = (signal: NodeJS.Signals) => {
			// npm passes on a Ctrl-C that the terminal has sent to its whole group already.
			if (firstAt !== undefined && performance.now() - firstAt > SAME_SIGNAL_MS) {
				process.kill(process.pid, "SIGKILL");
			}
			firstAt ??= performance.now();
			resolve(signal);
		};
		for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
			process.on(signal, onSignal);
		}
	});
}
