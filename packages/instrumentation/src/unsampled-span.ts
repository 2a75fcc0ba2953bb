import { type Context, diag } from "@opentelemetry/api";
import { callOf } from "./call-context.ts";
import { delivery } from "./delivery.ts";

const WARNED = Symbol.for("armspan.unsampled.warned");

/**
 * Counts a span, if it is one of a routed or recognised call, that will not leave the process, mostly since the application's sampler
 * has decided so, and says it the first time.
 */
export function noticeUnsampled(parent: Context): void {
	if (callOf(parent) === undefined) return;
	const { spans } = delivery().drops;
	// Another copy of this package, which did not know the reason, may have made the counters.
	spans.unsampled = (spans.unsampled ?? 0) + 1;
	const globals = globalThis as { [WARNED]?: true };
	if (globals[WARNED] === true) return;
	globals[WARNED] = true;
	diag.warn(
		"[armspan] a routed call has no recorded span, while its exposure counts: comparisons will be biased; set up OpenTelemetry with sampler: new ArmspanSampler(yours)",
	);
}
