const WARNED = Symbol.for("armspan.not-started.warned");

/** What the warning and the error of a call say. */
export const NOT_STARTED = "Armspan is not started; run node with --import @armspan/register, or call armspan.start()";

/** Without a set-up there is no OpenTelemetry logger that would say it; Node's own warnings can be silenced by the host. */
export function warnNotStarted(what: string): void {
	const globals = globalThis as { [WARNED]?: true };
	if (globals[WARNED] === true) return;
	globals[WARNED] = true;
	process.emitWarning(`${what}: ${NOT_STARTED}`, { type: "ArmspanWarning", code: "ARMSPAN_NOT_STARTED" });
}
