import { z } from "zod";

const LoadedPackage = z.strictObject({
	name: z.string(),
	version: z.string(),
	/** Folder of this copy. */
	directory: z.string(),
	/** How its modules were loaded: `module`, `commonjs`. */
	formats: z.array(z.string()),
	/** Whether the application's own code, outside `node_modules`, asks for it. */
	byApplication: z.boolean(),
});

/** What `@armspan/register` saw of one Node process, or worker thread, while it started up; read by `armspan doctor`. No prompt, no argument. */
export const StartupReport = z.strictObject({
	schemaVersion: z.literal(1),
	pid: z.int(),
	nodeVersion: z.string(),
	/** Why this Node is too old, or why register could not start; the application ran without it. */
	problem: z.string().nullable(),
	mainFile: z.string().nullable(),
	/** Packages that matter to telemetry, by folder. */
	packages: z.array(LoadedPackage),
	/** Copies of LLM SDKs that register has tried to patch. */
	clients: z.array(
		z.strictObject({
			module: z.string(),
			patched: z.boolean(),
			/** Its methods are wrapped by an instrumentation that is not register's, too. */
			wrappedByOthers: z.boolean(),
		}),
	),
	/** Version of the `@opentelemetry/api` copy that was first; newer copies cannot see what it holds. */
	globalApiVersion: z.string().nullable(),
	/** Class names, in order; `null` when the tracer provider in force does not show them. */
	spanProcessors: z.array(z.string()).nullable(),
	/** The sampler in force, in its own words; `null` when it does not show itself. */
	sampler: z.string().nullable().default(null),
	/** Whether that sampler drops spans of routed calls, some or all. */
	samplerDropsCalls: z.boolean().default(false),
	/** The application sets up OpenTelemetry and Armspan by itself and does not ask for register, which would be in its way. */
	ownSetUp: z.boolean().default(false),
	/** Register has set up nothing, and only looked on. */
	lookedOn: z.boolean().default(false),
	/** OpenTelemetry's warnings and errors, oldest first. */
	diagnostics: z.array(z.string()),
	uncaughtError: z.string().nullable(),
	/** Absent until register has started. */
	setUp: z
		.strictObject({
			sdkDisabled: z.boolean(),
			/** `null`: switched off. */
			tracesUrl: z.string().nullable(),
			logsUrl: z.string().nullable(),
			/** Settings of the environment that cannot be had. */
			warnings: z.array(z.string()),
			/** LLM SDKs that are installed and yield no spans. */
			selfCheck: z.string().nullable(),
			routing: z.strictObject({
				directory: z.string().nullable(),
				url: z.string().nullable(),
				revision: z.int().nullable(),
				stale: z.boolean(),
				staleReason: z.string().nullable(),
				ageMs: z.number().nullable(),
				lastError: z.string().nullable(),
			}),
			unitIds: z.string(),
			mapping: z.strictObject({
				file: z.string().nullable(),
				entries: z.int(),
				problems: z.array(z.string()),
			}),
			/** Requests made during start-up in which prompts in code were looked for. */
			promptsInCode: z.strictObject({
				recognised: z.int(),
				unrecognised: z.int(),
				ambiguous: z.int(),
				curtailed: z.int(),
			}),
		})
		.nullable(),
});
export type StartupReport = z.infer<typeof StartupReport>;
