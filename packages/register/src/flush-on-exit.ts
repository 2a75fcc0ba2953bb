import { diag } from "@opentelemetry/api";
import type { PendingWork } from "./pending-work.ts";

export interface FlushOnExitOptions {
	/** Sends everything that has ended; may hang or fail. */
	readonly flush: () => Promise<void>;
	readonly pending: PendingWork;
	/** How long leaving may take because of us, in milliseconds. */
	readonly limitMs: number;
	/** Keeps what is still not sent when the process leaves; synchronous, may be called several times. */
	readonly keep: () => void;
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Flushes when the process is told to leave or has nothing left to do, within a time limit.
 *
 * The host's own reaction stays: if it has a handler for the signal, leaving is its business; if it has none, the
 * process dies of the signal, as it would have without us. `process.exit()` and an uncaught exception leave at once: what is not sent then is kept, if it can be.
 */
export function flushOnExit(options: FlushOnExitOptions): void {
	process.on("exit", () => {
		options.pending.take(true);
		keep(options);
	});
	for (const signal of SIGNALS) flushOnSignal(signal, options);
	process.on("beforeExit", () => {
		if (!options.pending.take(true)) return;
		void flushWithin(options).then((finished) => {
			// Nothing but our sending kept the process alive when this began, so ending it loses nothing of the host's;
			// unless the host, too, began something just now.
			if (!finished && process.listenerCount("beforeExit") === 1) process.exit();
		});
	});
}

/** An error here would become the host's exit code. */
function keep(options: FlushOnExitOptions): void {
	try {
		options.keep();
	} catch {
		// Lost, as it would have been without us.
	}
}

function flushOnSignal(signal: (typeof SIGNALS)[number], options: FlushOnExitOptions): void {
	let leaving = false;
	function onSignal(): void {
		const alone = !hostHandles(signal);
		const leave = () => {
			// Whoever dies of a signal has no 'exit'.
			keep(options);
			process.removeListener(signal, onSignal);
			process.kill(process.pid, signal);
		};
		if (leaving) {
			// Asked twice: waiting is over.
			if (alone) leave();
			return;
		}
		leaving = true;
		// Where the host decides, calls may still come to an end.
		options.pending.take(alone);
		void flushWithin(options).then(() => {
			leaving = false;
			if (alone) leave();
		});
	}
	process.on(signal, onSignal);
}

/**
 * Whether somebody else will decide what happens. `signal-exit`, in many command-line packages, listens only to clean
 * up and re-raises the signal when it is the only listener; with us there it would wait for us, and we for it.
 */
function hostHandles(signal: string): boolean {
	const globals = globalThis as Record<symbol, { count?: unknown } | undefined>;
	const legacy = (process as unknown as Record<string, { count?: unknown } | undefined>).__signal_exit_emitter__;
	const observers = countOf(globals[Symbol.for("signal-exit emitter")]) + countOf(legacy);
	return process.listenerCount(signal) - 1 > observers;
}

function countOf(emitter: { count?: unknown } | undefined): number {
	return typeof emitter?.count === "number" ? emitter.count : 0;
}

/** @returns whether the flush came to an end, well or badly, within the limit */
async function flushWithin({ flush, limitMs }: FlushOnExitOptions): Promise<boolean> {
	const limit = Promise.withResolvers<false>();
	// Holds the process until it fires: without it a hanging flush could end the process with the wrong exit code.
	const timer = setTimeout(() => limit.resolve(false), limitMs);
	const flushed = flush()
		.catch((error: unknown) => diag.warn("[armspan] telemetry could not be sent before leaving:", String(error)))
		.then(() => true as const);
	try {
		return await Promise.race([flushed, limit.promise]);
	} finally {
		clearTimeout(timer);
	}
}
