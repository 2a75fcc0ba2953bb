import type { Attributes, Context, Link, SpanKind, TraceState } from "@opentelemetry/api";
import { callOf } from "./call-context.ts";

const RECORD_AND_SAMPLE = 2;

interface SamplingResult {
	/** 0 not recorded, 1 recorded and not sampled, 2 recorded and sampled. */
	readonly decision: number;
	readonly attributes?: Readonly<Attributes>;
	readonly traceState?: TraceState;
}

/** OpenTelemetry's `Sampler` of SDK 2.x and 3.x, by shape. */
interface InnerSampler<Result extends SamplingResult> {
	shouldSample(
		context: Context,
		traceId: string,
		spanName: string,
		spanKind: SpanKind,
		attributes: Attributes,
		links: Link[],
	): Result;
	toString(): string;
}

/**
 * Records and samples every span that is started inside a routed or recognised call, also when the trace around it is
 * not sampled; for the rest, the sampler given decides.
 *
 * A call that leaves no span is missing from its arm while its exposure and feedback are there: error rates, costs and
 * latencies are then of the calls that a sampler liked, and a sampler that looks at errors or at durations likes one arm
 * better than the other.
 */
export class ArmspanSampler<Result extends SamplingResult> {
	readonly #inner: InnerSampler<Result>;

	/** @param inner decides outside of calls */
	constructor(inner: InnerSampler<Result>) {
		this.#inner = inner;
	}

	shouldSample(
		context: Context,
		traceId: string,
		spanName: string,
		spanKind: SpanKind,
		attributes: Attributes,
		links: Link[],
	): Result {
		const result = this.#inner.shouldSample(context, traceId, spanName, spanKind, attributes, links);
		if (result.decision === RECORD_AND_SAMPLE || callOf(context) === undefined) return result;
		// Attributes that say at which rate was sampled would be wrong.
		const { attributes: _, ...rest } = result;
		return { ...rest, decision: RECORD_AND_SAMPLE } as Result;
	}

	toString(): string {
		return `ArmspanSampler{${this.#inner.toString()}}`;
	}
}
