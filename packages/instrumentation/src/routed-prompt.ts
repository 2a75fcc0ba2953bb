import type { Message } from "@armspan/prompt";
import type { ModelParameters } from "@armspan/schema";
import { ARMSPAN_FALLBACK_REASON, ARMSPAN_UNIT_ID, EVENT_GEN_AI_EVALUATION_RESULT } from "@armspan/schema/semconv";
import { type Attributes, context, ROOT_CONTEXT, type SpanContext, trace } from "@opentelemetry/api";
import { bindGenerator } from "./bind-generator.ts";
import { type CallRecord, type SpanRank, withCall } from "./call-context.ts";
import type { CallRecorder } from "./call-recorder.ts";
import {
	type EvaluationKind,
	type EvaluationOptions,
	evaluationAttributes,
	type Feedback,
	type GivenEvaluation,
} from "./evaluation.ts";
import type { InstrumentationError } from "./instrumentation-error.ts";
import type { PromptCall } from "./prompt-call.ts";
import { type FallbackReason, type ResolvedCall, resolveShadow } from "./resolve-call.ts";
import { type ShadowAssignment, shadowOf } from "./shadow-assignment.ts";

/** A prompt that was routed and rendered for one call. Nothing here throws, but what `fn` throws. */
export interface RoutedPrompt {
	/** Fresh for each call; empty exactly when `error` is set. */
	readonly messages: Message[];
	readonly model: string;
	/** Model parameters, to be spread into the LLM SDK's request. */
	readonly config: ModelParameters;
	/** Version that the unit is assigned, also when a fallback was delivered; `null` when nothing could be routed. */
	readonly version: string | null;
	/** Arm that is delivered, `default` when the default version is. */
	readonly variant: string;
	/** Also set for an override and for a shadow's unit, which are not enrolled. */
	readonly experiment: string | null;
	readonly enrolled: boolean;
	/** Why something other than the assigned version was delivered, or an old bundle was used. */
	readonly fallbackReason: FallbackReason | undefined;
	/** Why there is nothing to send. */
	readonly error: InstrumentationError | undefined;
	/**
	 * Runs `fn` so that every span started in it carries this assignment, and reports the exposure. It runs no shadow:
	 * that takes a second call, which only `armspan.execute` can make.
	 * @returns exactly what `fn` returns
	 * @throws exactly what `fn` throws
	 */
	run<Result>(fn: () => Result): Result;
	/** What a user said about the answer. */
	feedback(feedback: Feedback): void;
	/** A measured quality of the answer, any finite number: `score("judge.helpfulness", 0.8)`. */
	score(name: string, value: number, options?: EvaluationOptions): void;
	/** The unit did what was hoped for. */
	convert(name?: string, options?: EvaluationOptions): void;
	/**
	 * A short signed text that names this call: `armspan.feedback(reference, …)` takes it later, in any process that has
	 * the key. It may go through a browser, which can read it and change nothing. Taken after `run` it also names the span.
	 * @returns `undefined` without `ARMSPAN_REFERENCE_KEY`, for a call that could not be routed, and for a shadow
	 */
	reference(options?: ReferenceOptions): string | undefined;
}

export interface ReferenceOptions {
	/** How long the reference is taken, in milliseconds: 1,000 to 400 days, default 30 days. */
	readonly expiresInMs?: number | undefined;
}

const DAY_MS = 86_400_000;
const DEFAULT_LIFETIME_MS = 30 * DAY_MS;
const MAX_LIFETIME_MS = 400 * DAY_MS;

/** Methods are bound, so that they can be taken out: `const { messages, run } = armspan.prompt(…)`. */
export class ArmspanRoutedPrompt implements RoutedPrompt, CallRecord {
	readonly messages: Message[];
	readonly model: string;
	readonly config: ModelParameters;
	readonly version: string | null;
	readonly variant: string;
	readonly experiment: string | null;
	readonly enrolled: boolean;
	readonly fallbackReason: FallbackReason | undefined;
	readonly error: InstrumentationError | undefined;
	readonly #call: ResolvedCall;
	readonly #recorder: CallRecorder;
	/** The call in whose shadow this one runs. */
	readonly #live: ArmspanRoutedPrompt | undefined;
	#hasLeafOfSdk = false;
	#executed = false;
	#attributes: Attributes | undefined;
	#spanContext: SpanContext | undefined;
	#spanRank = -1;
	#exposed = false;

	constructor(call: ResolvedCall, recorder: CallRecorder, live?: ArmspanRoutedPrompt) {
		this.messages = call.messages;
		this.model = call.model;
		this.config = call.config;
		this.version = call.assignment?.version ?? null;
		this.variant = call.assignment?.variant ?? "default";
		this.experiment = call.assignment?.experiment ?? null;
		this.enrolled = call.assignment?.enrolled ?? false;
		this.fallbackReason = call.fallbackReason;
		this.error = call.messages.length === 0 ? call.failure : undefined;
		this.#call = call;
		this.#recorder = recorder;
		this.#live = live;
	}

	get hasLeafOfSdk(): boolean {
		return this.#hasLeafOfSdk;
	}

	/** No field, which would be copied along with what the application takes from the prompt. */
	set hasLeafOfSdk(hasIt: boolean) {
		this.#hasLeafOfSdk = hasIt;
	}

	/** What runs in the shadow of this call, if anything. */
	get shadow(): ShadowAssignment | undefined {
		return shadowOf(this.#call.assignment, this.#call.bundle?.revision ?? 0);
	}

	get link(): SpanContext | undefined {
		return this.#live === undefined ? undefined : this.#live.#spanContext;
	}

	/** The prompt of this call's shadow; it takes no feedback, and its `run` reports no exposure. */
	shadowPrompt(shadow: ShadowAssignment, variables: PromptCall["variables"]): ArmspanRoutedPrompt {
		return new ArmspanRoutedPrompt(resolveShadow(this.#call, shadow, variables), this.#recorder, this);
	}

	/** Made on first use: a prompt that is never run needs no unit id, hence no hash of it. */
	get attributes(): Attributes {
		if (this.#attributes === undefined) {
			const attributes: Attributes = { ...this.#call.attributes };
			const unitId = this.#unitId();
			if (unitId !== undefined) attributes[ARMSPAN_UNIT_ID] = unitId;
			if (this.#call.fallbackReason !== undefined) attributes[ARMSPAN_FALLBACK_REASON] = this.#call.fallbackReason;
			this.#attributes = attributes;
		}
		return this.#attributes;
	}

	spanStarted(spanContext: SpanContext, rank: SpanRank): void {
		this.#recorder.counters.taggedSpans++;
		if (rank <= this.#spanRank) return;
		this.#spanContext = spanContext;
		this.#spanRank = rank;
	}

	/** As `run`, by someone who runs the shadow, too. */
	runLive<Result>(fn: () => Result): Result {
		this.#executed = true;
		return this.run(fn);
	}

	readonly run = <Result>(fn: () => Result): Result => {
		const active = this.#recorder.guard(() => {
			this.#expose();
			if (!this.#executed) this.#missShadow();
			return withCall(context.active(), this);
		});
		if (active === undefined) return fn();
		const result = context.with(active, fn);
		this.#recorder.guard(() => bindGenerator(result, active));
		return result;
	};

	readonly feedback = (feedback: Feedback): void => {
		this.#evaluate("feedback", () => ({ ...feedback, name: feedback?.name ?? "feedback" }));
	};

	readonly score = (name: string, value: number, options?: EvaluationOptions): void => {
		this.#evaluate("score", () => ({ name, score: value, id: options?.id }));
	};

	readonly convert = (name?: string, options?: EvaluationOptions): void => {
		this.#evaluate("conversion", () => ({ name: name ?? "conversion", score: 1, id: options?.id }));
	};

	readonly reference = (options?: ReferenceOptions): string | undefined =>
		this.#recorder.guard(() => {
			if (this.#live !== undefined || this.#call.assignment === undefined) return undefined;
			const { references } = this.#recorder;
			if (!references.hasKey) {
				this.#recorder.warnOnce("no references: set ARMSPAN_REFERENCE_KEY to 32 random characters or more");
				return undefined;
			}
			const ms = options?.expiresInMs;
			const isLifetime = typeof ms === "number" && ms >= 1000 && ms <= MAX_LIFETIME_MS;
			const call = { attributes: this.attributes, span: this.#spanContext };
			return references.sign("ar1", call, isLifetime ? ms : DEFAULT_LIFETIME_MS);
		});

	#missShadow(): void {
		const { shadow } = this;
		if (shadow === undefined) return;
		this.#executed = true;
		this.#recorder.counters.shadowUnavailable++;
		const { promptName, experiment } = shadow.assignment;
		this.#recorder.warnOnce(
			`prompt "${promptName}" is in shadow experiment "${experiment}", and run() can make no second call: use armspan.execute()`,
		);
	}

	#expose(): void {
		const { assignment, bundle, rawUnitId } = this.#call;
		if (
			this.#exposed ||
			bundle === undefined ||
			assignment === undefined ||
			assignment.experiment === null ||
			rawUnitId === undefined
		)
			return;
		this.#exposed = true;
		if (!assignment.enrolled) return;
		const { attributes } = this;
		this.#recorder.expose({
			experiment: assignment.experiment,
			iteration: assignment.iteration,
			rawUnitId,
			unitId: attributes[ARMSPAN_UNIT_ID] as string | undefined,
			reason: assignment.reason,
			revision: bundle.revision,
			flagSetId: bundle.flagSetId,
			attributes,
			segments: this.#call.segments,
		});
	}

	#evaluate(kind: EvaluationKind, read: () => GivenEvaluation): void {
		this.#recorder.guard(() => {
			if (this.#live !== undefined) {
				this.#recorder.rejectEvaluation(`${kind} for a shadow, whose answer nobody saw`);
				return;
			}
			const attributes = evaluationAttributes(kind, read(), this.attributes);
			if (typeof attributes === "string") {
				this.#recorder.rejectEvaluation(attributes);
				return;
			}
			// The evaluated span, also when the evaluation comes long after it from somewhere else.
			const parent =
				this.#spanContext === undefined ? context.active() : trace.setSpanContext(ROOT_CONTEXT, this.#spanContext);
			this.#recorder.emitEvaluation(EVENT_GEN_AI_EVALUATION_RESULT, attributes, parent);
		});
	}

	#unitId(): string | undefined {
		const { rawUnitId } = this.#call;
		return rawUnitId === undefined ? undefined : this.#recorder.maskUnitId(rawUnitId);
	}
}
