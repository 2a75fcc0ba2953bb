import {
	type Context,
	type ContextManager,
	context,
	type Tracer,
	type TracerProvider,
	trace,
} from "@opentelemetry/api";

/**
 * What an application's OpenTelemetry set-up has registered. The api refuses what an older minor version of itself has
 * registered, without a word: in an application with api 1.9, the 1.10 of this package would see no context and make
 * no spans. What is used here is the same in all of 1.x.
 */
interface Registered {
	readonly context?: ContextManager;
	readonly trace?: TracerProvider;
}

const REGISTERED = Symbol.for("opentelemetry.js.api.1");

function registered(): Registered | undefined {
	return (globalThis as { [REGISTERED]?: Registered })[REGISTERED];
}

export function activeContext(): Context {
	return registered()?.context?.active() ?? context.active();
}

export function withContext<Result>(active: Context, fn: () => Result): Result {
	const manager = registered()?.context;
	return manager === undefined ? context.with(active, fn) : manager.with(active, fn);
}

export function registeredTracer(name: string): Tracer {
	return (registered()?.trace ?? trace).getTracer(name);
}
