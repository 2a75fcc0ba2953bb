/** For an application that sets OpenTelemetry up by itself: what `node --import @armspan/register` would add to it. */
export { ArmspanSampler } from "@armspan/instrumentation";
export { type ArmspanProcessor, armspanSpanProcessors } from "./armspan-span-processors.ts";
export { type ContentOptions, guardContent, guardLogContent, type Redact, type TextPlace } from "./content.ts";
export { instrumentLlmSdks } from "./instrument-llm-sdks.ts";
