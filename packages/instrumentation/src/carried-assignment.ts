import { ARMSPAN_SHADOW } from "@armspan/schema/semconv";
import { type Context, context, propagation, SpanKind, type TextMapPropagator, trace } from "@opentelemetry/api";
import { callOf, withCall } from "./call-context.ts";
import type { CallRecorder } from "./call-recorder.ts";

const ENTRY = "armspan";
/** A request takes minutes at most; what is overheard is worth little afterwards. */
const LIFETIME_MS = 600_000;
/** Attributes of a client span that say where its request goes, old and new. */
const ADDRESSES = ["url.full", "http.url", "server.address", "net.peer.name"] as const;

/** Carries the assignment of the active call to other services, and takes it from them. Never throws. */
export class CarriedAssignment {
	readonly #recorder: CallRecorder;
	readonly #hosts: readonly string[];

	/** @param hosts names, or `*.` and the end of names */
	constructor(recorder: CallRecorder, hosts: readonly string[]) {
		this.#recorder = recorder;
		this.#hosts = hosts.map((host) => host.toLowerCase());
	}

	/** The active call's assignment as a `baggage` header; nothing for a host that is not allowed. */
	headersFor(url: unknown): { baggage?: string } {
		const token = this.#recorder.guard(() => this.#token(context.active(), String(url)));
		return token === undefined ? {} : { baggage: `${ENTRY}=${encodeURIComponent(token)}` };
	}

	/** Runs `fn` in the call that a `baggage` header names, or just runs it. */
	run<Result>(header: unknown, fn: () => Result): Result {
		const active = this.#recorder.guard(() => this.#accept(context.active(), tokenOf(header)));
		return active === undefined ? fn() : context.with(active, fn);
	}

	/** Adds it to what another propagator carries, where a client span says where the request goes. */
	propagator(inner: TextMapPropagator): TextMapPropagator {
		return {
			inject: (active, carrier, setter) => {
				const prepared = this.#recorder.guard(() => {
					const token = this.#token(active, addressOf(active));
					return token === undefined ? withoutEntry(active) : withEntry(active, token);
				});
				inner.inject(prepared ?? active, carrier, setter);
			},
			extract: (active, carrier, getter) => {
				const extracted = inner.extract(active, carrier, getter);
				return (
					this.#recorder.guard(() => {
						const token = propagation.getBaggage(extracted)?.getEntry(ENTRY)?.value;
						// Taken out: OpenTelemetry would carry it on to every host.
						return this.#accept(withoutEntry(extracted), token);
					}) ?? extracted
				);
			},
			fields: () => inner.fields(),
		};
	}

	#token(active: Context, address: string | undefined): string | undefined {
		const call = callOf(active);
		// A shadow's calls count nowhere; elsewhere they would.
		if (call === undefined || call.attributes[ARMSPAN_SHADOW] === true || !this.#isAllowed(address)) return undefined;
		return this.#recorder.references.sign("ab1", { attributes: call.attributes, span: undefined }, LIFETIME_MS);
	}

	#accept(active: Context, token: string | undefined): Context {
		if (token === undefined || this.#hosts.length === 0) return active;
		const { references, counters } = this.#recorder;
		const carried = references.verify("ab1", token);
		if (typeof carried === "string") {
			counters.referencesRefused++;
			this.#recorder.warnOnce(`an assignment in baggage is refused: ${carried}`);
			return active;
		}
		return withCall(active, {
			attributes: carried.attributes,
			spanStarted() {
				counters.taggedSpans++;
			},
		});
	}

	#isAllowed(address: string | undefined): boolean {
		const host = hostOf(address);
		return (
			host !== undefined &&
			this.#hosts.some((allowed) =>
				allowed.startsWith("*.") ? allowed.length > 2 && host.endsWith(allowed.slice(1)) : host === allowed,
			)
		);
	}
}

/** Only of a client span: on a server's span the address is one's own. */
function addressOf(active: Context): string | undefined {
	const span = trace.getSpan(active) as { kind?: unknown; attributes?: Record<string, unknown> } | undefined;
	if (span?.kind !== SpanKind.CLIENT) return undefined;
	return ADDRESSES.map((name) => span.attributes?.[name]).find((value) => typeof value === "string") as
		| string
		| undefined;
}

/** Of an address or a bare name, as a URL's parser reads it, who is also the one that connects. */
function hostOf(address: string | undefined): string | undefined {
	if (address === undefined) return undefined;
	const url = address.includes("://") ? address : `http://${address}`;
	return URL.canParse(url) ? new URL(url).hostname.toLowerCase().replace(/\.$/, "") : undefined;
}

function withEntry(active: Context, token: string): Context {
	const baggage = propagation.getBaggage(active) ?? propagation.createBaggage();
	return propagation.setBaggage(active, baggage.setEntry(ENTRY, { value: token }));
}

function withoutEntry(active: Context): Context {
	const baggage = propagation.getBaggage(active);
	return baggage?.getEntry(ENTRY) === undefined ? active : propagation.setBaggage(active, baggage.removeEntry(ENTRY));
}

function tokenOf(header: unknown): string | undefined {
	if (typeof header !== "string") return undefined;
	const entry = header.split(",").find((one) => one.trim().startsWith(`${ENTRY}=`));
	const value = entry
		?.trim()
		.slice(ENTRY.length + 1)
		.split(";", 1)[0];
	return value === undefined ? undefined : decodeURIComponent(value);
}
