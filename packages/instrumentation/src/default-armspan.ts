import { type Armspan, createArmspan } from "./armspan.ts";
import type { ArmspanOptions } from "./armspan-options.ts";
import { type ArmspanStatus, createCounters } from "./armspan-status.ts";
import { CallRecorder } from "./call-recorder.ts";
import { recognitionCounters } from "./code-prompt-memory.ts";
import { delivery } from "./delivery.ts";
import { EventLogger } from "./event-logger.ts";
import { executeLive } from "./execute.ts";
import { flush } from "./flush.ts";
import { InstrumentationError } from "./instrumentation-error.ts";
import { NOT_STARTED, warnNotStarted } from "./not-started-warning.ts";
import { unrouted } from "./resolve-call.ts";
import { ArmspanRoutedPrompt } from "./routed-prompt.ts";

/** The process-wide Armspan, shared by every copy of this package in the process. */
export interface DefaultArmspan extends Armspan {
	/** Reads the bundle and starts watching it. A second start replaces the first. Never throws. */
	start(options?: ArmspanOptions): void;
}

const INSTANCE = Symbol.for("armspan.instance");
/** Of another copy of this package, perhaps an older one that can do less. */
type Later = "baggageFor" | "withBaggage" | "propagator" | "flush" | "execute" | "feedback" | "score" | "conversion";
type SharedArmspan = Omit<Armspan, Later> & Partial<Pick<Armspan, Later>>;
const globals = globalThis as { [INSTANCE]?: SharedArmspan };

/** `@armspan/register` starts it; without register, call `armspan.start()` once before the first request. */
export const armspan: DefaultArmspan = {
	start(options) {
		const previous = globals[INSTANCE];
		globals[INSTANCE] = createArmspan(options);
		previous?.close();
	},
	prompt(name, call) {
		const instance = globals[INSTANCE];
		if (instance !== undefined) return instance.prompt(name, call);
		counters.unroutedCalls++;
		const message = NOT_STARTED;
		warnNotStarted("prompts are not routed");
		const given = typeof call === "object" && call !== null ? call : {};
		const named = typeof name === "string" ? name : undefined;
		const resolved =
			recorder.guard(() => unrouted(named, given, "no-bundle", message)) ?? unrouted(named, {}, "no-bundle", message);
		return new ArmspanRoutedPrompt(
			{ ...resolved, failure: new InstrumentationError("NOT_STARTED", message) },
			recorder,
		);
	},
	execute(name, call, fn) {
		const instance = globals[INSTANCE];
		if (instance?.execute !== undefined) return instance.execute(name, call, fn);
		return executeLive(armspan.prompt(name, call), call, fn);
	},
	feedback: (...values) => globals[INSTANCE]?.feedback?.(...values) ?? refuse(),
	score: (...values) => globals[INSTANCE]?.score?.(...values) ?? refuse(),
	conversion: (...values) => globals[INSTANCE]?.conversion?.(...values) ?? refuse(),
	baggageFor: (url) => globals[INSTANCE]?.baggageFor?.(url) ?? {},
	withBaggage(header, fn) {
		const instance = globals[INSTANCE];
		return instance?.withBaggage === undefined ? fn() : instance.withBaggage(header, fn);
	},
	propagator: (inner) => globals[INSTANCE]?.propagator?.(inner) ?? inner,
	flush,
	status: () => globals[INSTANCE]?.status() ?? notStarted(),
	close() {
		globals[INSTANCE]?.close();
		delete globals[INSTANCE];
	},
};

const counters = createCounters();
const recorder = new CallRecorder(counters, new EventLogger(), (unitId) => unitId);

function refuse(): false {
	counters.referencesRefused++;
	warnNotStarted("feedback is refused");
	return false;
}

function notStarted(): ArmspanStatus {
	return {
		started: false,
		routingDirectory: undefined,
		routingUrl: undefined,
		revision: undefined,
		flagSetId: undefined,
		routingDigest: undefined,
		sourceCommit: undefined,
		source: "none",
		stale: false,
		staleReason: undefined,
		ageMs: undefined,
		cacheProblem: undefined,
		lastError: undefined,
		unitIds: "raw",
		counters: { ...counters },
		drops: structuredClone(delivery().drops),
		promptsInCode: { ...recognitionCounters() },
	};
}
