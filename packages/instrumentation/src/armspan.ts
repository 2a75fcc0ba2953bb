import { diag, type TextMapPropagator } from "@opentelemetry/api";
import { type ArmspanOptions, resolveOptions } from "./armspan-options.ts";
import { type ArmspanStatus, createCounters } from "./armspan-status.ts";
import { CallRecorder } from "./call-recorder.ts";
import { CarriedAssignment } from "./carried-assignment.ts";
import { recognitionCounters } from "./code-prompt-memory.ts";
import { delivery } from "./delivery.ts";
import { DropMetrics } from "./drop-metrics.ts";
import type { EvaluationOptions, Feedback } from "./evaluation.ts";
import { EventLogger } from "./event-logger.ts";
import { type ExecuteCall, type ExecuteFunction, execute } from "./execute.ts";
import { type FlushOptions, flush } from "./flush.ts";
import { InstrumentationError } from "./instrumentation-error.ts";
import type { PromptCall } from "./prompt-call.ts";
import { ReferenceSigner } from "./reference.ts";
import { recordReferenced } from "./referenced-evaluation.ts";
import { type ResolvedCall, resolveCall, unrouted } from "./resolve-call.ts";
import { ArmspanRoutedPrompt, type RoutedPrompt } from "./routed-prompt.ts";
import { RoutingSource } from "./routing-source.ts";
import { ShadowRunner } from "./shadow-runner.ts";
import { createUnitIdMask, readUnitId } from "./unit-id.ts";

/** The application's side of Armspan. No method throws, blocks or does I/O, but for what the application's function does. */
export interface Armspan {
	/**
	 * Routes the call, renders the prompt, and gives what the LLM SDK needs.
	 * @param name the prompt's name, such as `billing/refund-reply`
	 */
	prompt(name: string, call?: PromptCall): RoutedPrompt;
	/**
	 * Routes, renders, and makes the LLM call through `fn`: the same as `prompt(…).run(…)` in one step, and the only way
	 * to run a shadow. `fn` must make one call from what it is given, and may be called once more, later, with
	 * `isShadow`; that answer is discarded. When there is nothing to send, `fn` is called all the same, with
	 * `prompt.error` set and no messages.
	 * @returns exactly what `fn` returns for the live call
	 * @throws exactly what `fn` throws for the live call
	 */
	execute<Result>(name: string, call: ExecuteCall | undefined, fn: ExecuteFunction<Result>): Result;
	/**
	 * What a user said about the answer of a call made earlier, here or in another process. It counts once for each
	 * reference and name; saying something else replaces it.
	 * @param reference from `RoutedPrompt.reference()`; may come from a browser
	 * @returns whether it was taken: `false` when the reference is not genuine or has expired, or the score is impossible
	 */
	feedback(reference: string, feedback: Feedback): boolean;
	/** As `feedback`, for a measured quality of the answer, any finite number. */
	score(reference: string, name: string, value: number, options?: EvaluationOptions): boolean;
	/** As `feedback`: the unit did what was hoped for. */
	conversion(reference: string, name?: string, options?: EvaluationOptions): boolean;
	/**
	 * The assignment of the active call as a `baggage` header for a request to `url`: `{ ...armspan.baggageFor(url) }`.
	 * Empty for a host that is not among `baggage.hosts`, outside a call, and without a reference key.
	 */
	baggageFor(url: string | URL): { baggage?: string };
	/**
	 * Runs `fn` inside the call that a request's `baggage` header names, so that its spans carry that assignment. A header
	 * that is not signed with our key, or an old one, changes nothing. It chooses no prompt version.
	 */
	withBaggage<Result>(header: string | undefined, fn: () => Result): Result;
	/**
	 * The same for applications whose HTTP is instrumented: a propagator around theirs, to be set as the global one.
	 * `@armspan/register` sets it when `ARMSPAN_BAGGAGE_HOSTS` is given.
	 */
	propagator(inner: TextMapPropagator): TextMapPropagator;
	/**
	 * Sends the telemetry that has ended so far, for platforms that freeze the process between requests:
	 * `context.waitUntil(armspan.flush())`.
	 * @returns whether it came to an end within the limit; never rejects
	 */
	flush(options?: FlushOptions): Promise<boolean>;
	status(): ArmspanStatus;
	/** Stops watching the routing directory and ends shadows; prompts go on being served from memory. */
	close(): void;
}

/**
 * Reads the routing bundle, synchronously and once, then watches it.
 * Never throws: a bundle that cannot be read is found in `status()` and on the spans.
 */
export function createArmspan(options?: ArmspanOptions): Armspan {
	const resolved = resolveOptions(options, process.env);
	const counters = createCounters();
	const source = new RoutingSource(resolved, counters);
	const references = new ReferenceSigner(resolved.referenceKeys);
	const recorder = new CallRecorder(counters, new EventLogger(), createUnitIdMask(resolved), references);
	const shadows = new ShadowRunner(recorder);
	const carried = new CarriedAssignment(recorder, resolved.baggageHosts);
	const dropMetrics = new DropMetrics();
	if (resolved.unitKeyUnusable) {
		recorder.guard(() =>
			diag.warn("[armspan] the unit key is empty: unit ids are withheld; unset it to send them as they are"),
		);
	}
	if (resolved.referenceKeyUnusable) {
		recorder.guard(() =>
			diag.warn(
				"[armspan] a reference key (referenceKey or ARMSPAN_REFERENCE_KEY) is shorter than 32 characters: it is not used; take 32 random ones",
			),
		);
	}
	if (resolved.unknown.length > 0) {
		const names = resolved.unknown.map((name) => JSON.stringify(name.slice(0, 100))).join(", ");
		recorder.guard(() => diag.warn(`[armspan] no such option, ignored: ${names}; see ArmspanOptions`));
	}

	function resolve(name: string, call: PromptCall | undefined): ResolvedCall {
		const given = typeof call === "object" && call !== null ? call : {};
		for (const unit of [given.user, given.session, given.request]) {
			if (unit !== undefined && unit !== null && readUnitId(unit) === undefined) counters.unitIdsRejected++;
		}
		return resolveCall(source.current, source.fallbackReason, name, given);
	}

	function route(name: string, call: PromptCall | undefined): ArmspanRoutedPrompt {
		let resolvedCall = recorder.guard(() => resolve(name, call));
		resolvedCall ??= recorder.guard(() => internalFailure(call)) ?? internalFailure(undefined);
		if (resolvedCall.assignment === undefined) counters.unroutedCalls++;
		else counters.routedCalls++;
		if (resolvedCall.failure !== undefined) {
			if (resolvedCall.messages.length === 0) counters.emptyPrompts++;
			else counters.callerFallbacks++;
		} else if (resolvedCall.fallbackReason === "render-failed" || resolvedCall.fallbackReason === "prompt-unreadable") {
			counters.renderFallbacks++;
		}
		const trouble = resolvedCall.failure ?? resolvedCall.undelivered;
		if (trouble !== undefined) recorder.warnOnce(trouble.message);
		return new ArmspanRoutedPrompt(resolvedCall, recorder);
	}

	return {
		prompt: route,
		execute: (name, call, fn) => execute(route(name, call), call, fn, recorder, shadows),
		feedback: (reference, feedback) =>
			recordReferenced(recorder, "feedback", reference, () => ({ ...feedback, name: feedback?.name ?? "feedback" })),
		score: (reference, name, value, options) =>
			recordReferenced(recorder, "score", reference, () => ({ name, score: value, id: options?.id })),
		conversion: (reference, name, options) =>
			recordReferenced(recorder, "conversion", reference, () => ({
				name: name ?? "conversion",
				score: 1,
				id: options?.id,
			})),
		baggageFor: (url) => carried.headersFor(url),
		withBaggage: (header, fn) => carried.run(header, fn),
		propagator: (inner) => carried.propagator(inner),
		flush,
		status: () => ({
			started: true,
			routingDirectory: resolved.routingDirectory,
			routingUrl: resolved.routingUrl,
			revision: source.current?.revision,
			flagSetId: source.current?.flagSetId,
			routingDigest: source.current?.routingDigest,
			sourceCommit: source.current?.sourceCommit,
			source: source.origin,
			stale: source.stale,
			staleReason: source.staleReason,
			ageMs: source.ageMs,
			cacheProblem: source.cacheProblem,
			lastError: source.lastError,
			unitIds: resolved.unitKeyUnusable ? "withheld" : resolved.unitKey === undefined ? "raw" : "hmac-sha256",
			counters: { ...counters },
			drops: structuredClone(delivery().drops),
			promptsInCode: { ...recognitionCounters() },
		}),
		close() {
			source.close();
			dropMetrics.close();
			shadows.close();
		},
	};
}

function internalFailure(call: PromptCall | undefined): ResolvedCall {
	return {
		...unrouted(undefined, call ?? {}, "prompt-unknown", ""),
		fallbackReason: "internal-error",
		failure: new InstrumentationError(
			"RENDER_FAILED",
			"the call could not be resolved; see OpenTelemetry's diagnostics",
		),
	};
}
