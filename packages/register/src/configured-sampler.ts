import {
	AlwaysOffSampler,
	AlwaysOnSampler,
	ParentBasedSampler,
	type Sampler,
	TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";

/** What the environment asks for: `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`. */
export interface SamplerSettings {
	readonly name: string;
	/** Share of traces, 0 to 1. */
	readonly ratio: number;
}

const SAMPLERS: Readonly<Record<string, (ratio: number) => Sampler>> = {
	always_on: () => new AlwaysOnSampler(),
	always_off: () => new AlwaysOffSampler(),
	traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
	parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
	parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
	parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
};

export const SAMPLER_NAMES: readonly string[] = Object.keys(SAMPLERS);
export const DEFAULT_SAMPLER = "parentbased_always_on";

/** The sampler that OpenTelemetry would take; the SDK does not give it out. */
export function configuredSampler({ name, ratio }: SamplerSettings): Sampler {
	return SAMPLERS[name]?.(ratio) ?? new ParentBasedSampler({ root: new AlwaysOnSampler() });
}
