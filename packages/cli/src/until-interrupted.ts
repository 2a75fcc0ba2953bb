/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP. A second one ends the process at once, for people who
 * do not want to wait for an orderly stop.
 */
export function untilInterrupted(): Promise<NodeJS.Signals> {
	return new Promise((resolve) => {
		let first = true;
		const onSignal = (signal: NodeJS.Signals) => {
			if (!first) {
				process.exit(signal === "SIGINT" ? 130 : 143);
			}
			first = false;
			resolve(signal);
		};
		for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
			process.on(signal, onSignal);
		}
	});
}
