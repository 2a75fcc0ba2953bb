import { diag, ROOT_CONTEXT, type Span, TraceFlags, trace } from "@opentelemetry/api";
import {
	AlwaysOffSampler,
	AlwaysOnSampler,
	type Sampler,
	SamplingDecision,
	TraceIdRatioBasedSampler,
	TracerProvider,
} from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ArmspanSampler } from "./armspan-sampler.ts";
import { ArmspanSpanProcessor } from "./armspan-span-processor.ts";
import { withCall } from "./call-context.ts";
import { delivery } from "./delivery.ts";
import { noticeUnsampled } from "./unsampled-span.ts";

const CALL = withCall(ROOT_CONTEXT, { attributes: { "gen_ai.prompt.name": "p" }, spanStarted() {} });
const UNSAMPLED_PARENT = {
	traceId: "0af7651916cd43dd8448eb211c80319c",
	spanId: "b7ad6b7169203331",
	traceFlags: TraceFlags.NONE,
	isRemote: true,
};
const WARNED = Symbol.for("armspan.unsampled.warned");

beforeEach(() => {
	delivery().drops.spans.unsampled = 0;
	delete (globalThis as Record<symbol, unknown>)[WARNED];
});
afterEach(() => diag.disable());

function start(sampler: Sampler | undefined, parent = CALL): Span {
	const options = sampler === undefined ? {} : { sampler };
	const provider = new TracerProvider({ ...options, spanProcessors: [new ArmspanSpanProcessor()] });
	return provider.getTracer("t").startSpan("chat", {}, parent);
}

const isSampled = (span: Span) => span.isRecording() && span.spanContext().traceFlags === TraceFlags.SAMPLED;

it.each([
	["always_off", new AlwaysOffSampler()],
	["ratio 0", new TraceIdRatioBasedSampler(0)],
])("%s: spans of calls are sampled, others as the sampler says", (_, inner) => {
	expect(isSampled(start(inner))).toBe(false);
	expect(isSampled(start(new ArmspanSampler(inner)))).toBe(true);
	expect(isSampled(start(new ArmspanSampler(inner), ROOT_CONTEXT))).toBe(false);
	expect(isSampled(start(new ArmspanSampler(new AlwaysOnSampler()), ROOT_CONTEXT))).toBe(true);
});

it("a parent that says -00 keeps its trace, and the call's span is sampled", () => {
	const parent = trace.setSpanContext(CALL, UNSAMPLED_PARENT);
	const span = start(new ArmspanSampler(new AlwaysOffSampler()), parent);
	expect(isSampled(span)).toBe(true);
	expect(span.spanContext().traceId).toBe(UNSAMPLED_PARENT.traceId);
});

it("does not pass on at which rate was sampled, and says what is inside", () => {
	const inner = {
		shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD, attributes: { "sampling.rate": 0.1 } }),
		toString: () => "Rate{0.1}",
	};
	const sampler = new ArmspanSampler(inner);
	expect(sampler.shouldSample(CALL, "", "", 0, {}, [])).toEqual({ decision: SamplingDecision.RECORD_AND_SAMPLED });
	expect(sampler.shouldSample(ROOT_CONTEXT, "", "", 0, {}, [])).toEqual(inner.shouldSample());
	expect(String(sampler)).toBe("ArmspanSampler{Rate{0.1}}");
});

it("counts spans of calls that are not sampled, warns once, and is silent about spans of no call", () => {
	const warn = vi.fn();
	diag.setLogger({ error() {}, warn, info() {}, debug() {}, verbose() {} });
	const recordOnly = { shouldSample: () => ({ decision: SamplingDecision.RECORD }), toString: () => "" };
	start(recordOnly);
	start(recordOnly, ROOT_CONTEXT);
	start(new AlwaysOnSampler());
	noticeUnsampled(CALL);
	noticeUnsampled(ROOT_CONTEXT);
	expect(delivery().drops.spans.unsampled).toBe(2);
	expect(warn).toHaveBeenCalledTimes(1);
	expect(warn.mock.calls[0]?.[0]).toContain("new ArmspanSampler(yours)");
});
