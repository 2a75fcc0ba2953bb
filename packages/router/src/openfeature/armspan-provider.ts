import {
	type EvaluationContext,
	FlagNotFoundError,
	type JsonValue,
	OpenFeatureEventEmitter,
	type Provider,
	ProviderEvents,
	ProviderNotReadyError,
	type ResolutionDetails,
	StandardResolutionReasons,
	type TrackingEventDetails,
	TypeMismatchError,
} from "@openfeature/server-sdk";
import { BundleWatcher } from "../adapters/bundle-watcher.ts";
import type { Assignment } from "../assignment.ts";
import { changedFlags } from "./changed-flags.ts";
import { type EvaluableBundle, evaluateFlag, type FlagEvaluation, type TargetingKeyUnit } from "./evaluate-flag.ts";

/** Where bundles come from: a `BundleWatcher`, or whatever is like it. */
export interface FlagSource {
	/** The bundle in use; `undefined` until there was a good one. */
	readonly current: EvaluableBundle | undefined;
	/** Why `current` may be old; `undefined` when all is well. */
	readonly problem: string | undefined;
	/** `current` is a copy kept from an earlier run; the source has not had a good one since. */
	readonly isFromCache?: boolean | undefined;
	close(): void;
}

/** What a source tells while it is open, as a `BundleWatcher` does. */
export interface FlagSourceEvents {
	/** `current` is another bundle. */
	readonly onChange: () => void;
	/** Something was refused; the last good bundle stays. */
	readonly onError: (error: Error) => void;
	/** What bundles must be of; `undefined` when the provider was given no `environment`. */
	readonly flagSetId?: string | undefined;
}

/** What the application says a unit did: `client.track(name, context, details)`. */
export interface TrackedEvent {
	readonly name: string;
	readonly value: number | undefined;
	readonly context: EvaluationContext;
	/** As given, `prompt` included. */
	readonly details: TrackingEventDetails;
	/** What the unit gets of the prompt named by `details.prompt`; `undefined` when none or an unknown one is named. */
	readonly assignment: Assignment | undefined;
	/** Id of the unit that this assignment hashes. */
	readonly unitId: string | undefined;
}

export interface ArmspanProviderOptions {
	/** Folder of the routing bundle, or how to open another source; opened by `initialize`, closed by `onClose`. */
	readonly source: string | ((events: FlagSourceEvents) => FlagSource);
	/** Environment whose bundles are taken. @default that of the first bundle */
	readonly environment?: string | undefined;
	/** How long `initialize` waits for the first bundle, in milliseconds. @default 5000 */
	readonly readyTimeoutMs?: number | undefined;
	/** Whose id the context's `targetingKey` is. @default "flag" */
	readonly targetingKeyUnit?: TargetingKeyUnit | undefined;
	/** Receives `client.track()`; without it tracking does nothing. */
	readonly onTrack?: ((event: TrackedEvent) => void) | undefined;
	/** Refused bundles, and what `onTrack` throws. */
	readonly onError?: ((error: Error) => void) | undefined;
}

const STALE_CHECK_MS = 250;
const DEFAULT_READY_TIMEOUT_MS = 5_000;

/**
 * Prompts as OpenFeature flags, for `@openfeature/server-sdk`: one flag per prompt, evaluated by the routing table in
 * this process.
 *
 * An object is what the variant delivers, as in the routing file; a text is the prompt's version. Booleans and numbers
 * are `TYPE_MISMATCH`. A call without a unit gets the default variant, reason `DEFAULT`. While the source has a problem
 * the last good bundle answers, with reason `STALE`; one from the cache of an earlier run, with `CACHED`.
 */
export class ArmspanProvider implements Provider {
	readonly metadata = { name: "armspan" } as const;
	readonly runsOn = "server";
	readonly events = new OpenFeatureEventEmitter();
	readonly #options: ArmspanProviderOptions;
	#source: FlagSource | undefined;
	#opening = 0;
	/** The bundle that the application was last told of. */
	#announced: EvaluableBundle | undefined;
	#isStale = false;
	#staleCheck: NodeJS.Timeout | undefined;
	#firstBundle: { resolve: () => void; reject: (error: Error) => void } | undefined;

	constructor(options: ArmspanProviderOptions) {
		this.#options = options;
	}

	/**
	 * Opens the source and waits for its first bundle.
	 * @throws {ProviderNotReadyError} when none has come in time; the source stays open, and `PROVIDER_READY` follows
	 *   as soon as one comes
	 */
	async initialize(): Promise<void> {
		this.#close("the provider is initialized again");
		const { source, environment, readyTimeoutMs = DEFAULT_READY_TIMEOUT_MS } = this.#options;
		this.#opening++;
		const opening = this.#opening;
		// A source that was closed may still have something to say.
		const isOpen = () => this.#opening === opening && this.#source !== undefined;
		const opened = open(source, {
			onChange: () => isOpen() && this.#changed(),
			onError: (error) => (isOpen() ? this.#refused(error) : this.#report(error)),
			flagSetId: environment === undefined ? undefined : `armspan/${environment}`,
		});
		this.#source = opened;
		if (opened.current !== undefined) {
			this.#announced = opened.current;
			this.#checkStale();
			return;
		}
		await new Promise<void>((resolve, reject) => {
			const timer = setTimeout(() => {
				this.#firstBundle = undefined;
				const { problem } = opened;
				const why = problem === undefined ? "there is none" : problem;
				reject(new ProviderNotReadyError(`no routing bundle after ${readyTimeoutMs} ms: ${why}`));
			}, readyTimeoutMs);
			const settle = (then: () => void) => {
				clearTimeout(timer);
				this.#firstBundle = undefined;
				then();
			};
			this.#firstBundle = {
				resolve: () => settle(resolve),
				reject: (error) => settle(() => reject(error)),
			};
		});
	}

	async onClose(): Promise<void> {
		this.#close("the provider was closed before its first routing bundle came");
	}

	async resolveObjectEvaluation<T extends JsonValue>(
		flagKey: string,
		_defaultValue: T,
		context: EvaluationContext,
	): Promise<ResolutionDetails<T>> {
		const evaluation = this.#evaluate(flagKey, context);
		// The SDK's own contract: whoever asks names the type that the flag has.
		return this.#details(evaluation, evaluation.value as unknown as T);
	}

	async resolveStringEvaluation(
		flagKey: string,
		_defaultValue: string,
		context: EvaluationContext,
	): Promise<ResolutionDetails<string>> {
		const evaluation = this.#evaluate(flagKey, context);
		return this.#details(evaluation, evaluation.assignment.version);
	}

	async resolveBooleanEvaluation(flagKey: string, _defaultValue: boolean, context: EvaluationContext): Promise<never> {
		return this.#mismatch(flagKey, context, "boolean");
	}

	async resolveNumberEvaluation(flagKey: string, _defaultValue: number, context: EvaluationContext): Promise<never> {
		return this.#mismatch(flagKey, context, "number");
	}

	/** Hands the event to `onTrack`; never throws. */
	track(name: string, context: EvaluationContext, details: TrackingEventDetails): void {
		const { onTrack } = this.#options;
		if (onTrack === undefined) return;
		try {
			const prompt = details?.prompt;
			const bundle = this.#source?.current;
			const evaluation =
				typeof prompt === "string" && bundle !== undefined
					? evaluateFlag(bundle, prompt, context, this.#options.targetingKeyUnit)
					: undefined;
			onTrack({
				name,
				value: details?.value,
				context,
				details: details ?? {},
				assignment: evaluation?.assignment,
				unitId: evaluation?.unitId,
			});
		} catch (error) {
			this.#report(error);
		}
	}

	#evaluate(flagKey: string, context: EvaluationContext): FlagEvaluation {
		const bundle = this.#source?.current;
		if (bundle === undefined) {
			throw new ProviderNotReadyError(this.#source?.problem ?? "no routing bundle has been read yet");
		}
		const evaluation = evaluateFlag(bundle, flagKey, context, this.#options.targetingKeyUnit);
		if (evaluation === undefined) throw new FlagNotFoundError(`there is no prompt "${flagKey}" in the routing bundle`);
		return evaluation;
	}

	#details<T>({ variant, reason, flagMetadata }: FlagEvaluation, value: T): ResolutionDetails<T> {
		return { value, variant, reason: this.#doubt() ?? reason, flagMetadata };
	}

	#doubt(): string | undefined {
		if (this.#source?.problem !== undefined) return StandardResolutionReasons.STALE;
		return this.#source?.isFromCache === true ? StandardResolutionReasons.CACHED : undefined;
	}

	#mismatch(flagKey: string, context: EvaluationContext, asked: string): never {
		this.#evaluate(flagKey, context);
		throw new TypeMismatchError(
			`prompt "${flagKey}" is no ${asked}; ask for an object (what the variant delivers) or a string (its version)`,
		);
	}

	#changed(): void {
		const bundle = this.#source?.current;
		if (bundle === undefined || bundle === this.#announced) return;
		const before = this.#announced;
		this.#announced = bundle;
		if (this.#firstBundle !== undefined) this.#firstBundle.resolve();
		else if (before === undefined) this.events.emit(ProviderEvents.Ready, {});
		else {
			this.#checkStale();
			const { flagSetId, version, revision } = bundle.file.metadata;
			this.events.emit(ProviderEvents.ConfigurationChanged, {
				flagsChanged: changedFlags(before.file, bundle.file),
				metadata: { flagSetId, version, revision },
			});
		}
	}

	#refused(error: Error): void {
		this.#report(error);
		if (this.#announced !== undefined) this.#checkStale();
		// Before the first bundle `initialize` reports; after it has given up, this does.
		else if (this.#firstBundle === undefined) {
			this.events.emit(ProviderEvents.Error, { message: error.message });
		}
	}

	/** A source tells when it goes bad but not when the same bundle is good again, so this is looked at meanwhile. */
	#checkStale(): void {
		const problem = this.#source?.problem;
		const isStale = problem !== undefined;
		if (isStale !== this.#isStale) {
			this.#isStale = isStale;
			if (isStale) this.events.emit(ProviderEvents.Stale, { message: problem });
			else this.events.emit(ProviderEvents.Ready, {});
		}
		clearInterval(this.#staleCheck);
		if (!isStale) return;
		this.#staleCheck = setInterval(() => this.#checkStale(), STALE_CHECK_MS);
		this.#staleCheck.unref();
	}

	#close(why: string): void {
		clearInterval(this.#staleCheck);
		const source = this.#source;
		this.#source = undefined;
		this.#announced = undefined;
		this.#isStale = false;
		source?.close();
		this.#firstBundle?.reject(new ProviderNotReadyError(why));
	}

	#report(error: unknown): void {
		this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
	}
}

function open(source: ArmspanProviderOptions["source"], events: FlagSourceEvents): FlagSource {
	return typeof source === "string" ? new BundleWatcher(source, events) : source(events);
}
