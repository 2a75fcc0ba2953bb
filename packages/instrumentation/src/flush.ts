import { trace } from "@opentelemetry/api";
import { delivery } from "./delivery.ts";
import { loggerProvider } from "./event-logger.ts";

export interface FlushOptions {
	/** How long it may take, in milliseconds: 0 to 60,000, default 2,000. */
	readonly limitMs?: number | undefined;
}

const DEFAULT_LIMIT_MS = 2000;
const MAX_LIMIT_MS = 60_000;

/**
 * Sends the telemetry that has ended so far: through `@armspan/register` when it is loaded, else through whichever SDK
 * the process has.
 * @returns whether every sender came to an end in time, well or badly; never rejects
 */
export async function flush(options?: FlushOptions): Promise<boolean> {
	let timer: NodeJS.Timeout | undefined;
	try {
		const limitMs = options?.limitMs;
		const isLimit = typeof limitMs === "number" && limitMs >= 0 && limitMs <= MAX_LIMIT_MS;
		const limit = new Promise<false>((resolve) => {
			// Holds the process: whoever waits for us is to get an answer.
			timer = setTimeout(() => resolve(false), isLimit ? limitMs : DEFAULT_LIMIT_MS);
		});
		const registered = delivery().flush;
		const flushing = registered === undefined ? flushProviders() : registered();
		return await Promise.race([flushing.then(() => true as const), limit]);
	} catch {
		// It came to an end; what was lost is counted where it was.
		return true;
	} finally {
		clearTimeout(timer);
	}
}

interface Flushable {
	forceFlush?: () => Promise<void>;
	getDelegate?: () => Flushable;
}

async function flushProviders(): Promise<void> {
	const providers: (Flushable | undefined)[] = [trace.getTracerProvider() as Flushable, loggerProvider() as Flushable];
	await Promise.allSettled(
		providers.map(async (provider) => {
			const real = provider?.forceFlush === undefined ? provider?.getDelegate?.() : provider;
			await real?.forceFlush?.();
		}),
	);
}
