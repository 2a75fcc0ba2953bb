import { diag } from "@opentelemetry/api";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Armspan, createArmspan } from "./armspan.ts";
import { startSpan } from "./fixtures/recording-span.ts";
import { temporaryDirectory, writeSupportBundle } from "./fixtures/support-bundle.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

recordTelemetry();
const variables = { question: "Where is my parcel?" };
let armspan: Armspan;

beforeAll(async () => {
	armspan = createArmspan({ routingDirectory: await writeSupportBundle() });
});
afterAll(() => armspan.close());

/** The first user of the given arm. */
function userIn(variant: string, prompt = "support-reply"): string {
	for (let user = 0; user < 1000; user++) {
		if (armspan.prompt(prompt, { user: `u${user}`, variables }).variant === variant) return `u${user}`;
	}
	throw new Error(`nobody in ${variant}`);
}

describe("prompt", () => {
	it("renders the assigned version with its model and parameters", () => {
		const control = armspan.prompt("support-reply", { user: userIn("control"), variables });
		expect(control).toMatchObject({ model: "gpt-4o-mini", version: "1.0.0", experiment: "polite", enrolled: true });
		expect(control.messages).toEqual([
			{ role: "system", content: expect.stringContaining("plain") },
			{ role: "user", content: expect.stringContaining("parcel") },
		]);
		const treatment = armspan.prompt("support-reply", { user: userIn("treatment"), variables });
		expect(treatment).toMatchObject({ model: "gpt-4o", version: "2.0.0", config: { temperature: 0.2 } });
		expect(treatment.error).toBeUndefined();
	});

	it("gives the same user the same variant, and both variants to some", () => {
		const variantOf = (user: string) => armspan.prompt("support-reply", { user, variables }).variant;
		const users = Array.from({ length: 200 }, (_, index) => `user-${index}`);
		const first = users.map(variantOf);
		expect(users.map(variantOf)).toEqual(first);
		expect(new Set(first)).toEqual(new Set(["control", "treatment"]));
	});

	it("takes a numeric id for the same text", () => {
		const options = { variables, user: 42 as unknown as string };
		expect(armspan.prompt("support-reply", options).variant).toBe(
			armspan.prompt("support-reply", { user: "42", variables }).variant,
		);
	});

	it("does not enrol a call without the unit", () => {
		const routed = armspan.prompt("support-reply", { session: "s1", variables });
		expect(routed).toMatchObject({ version: "1.0.0", variant: "default", experiment: null, enrolled: false });
	});

	it("makes up a request id for a prompt that is randomized by request", () => {
		const routed = Array.from({ length: 60 }, () => armspan.prompt("each-request", { variables }));
		expect(routed.every((one) => one.enrolled)).toBe(true);
		expect(new Set(routed.map((one) => one.variant))).toEqual(new Set(["control", "treatment"]));
		const ids = routed.map((one) => one.run(() => startSpan().attributes["armspan.unit.id"]));
		expect(new Set(ids).size).toBe(60);
	});

	it("hands out parameters and messages that may be changed", () => {
		const call = { user: userIn("treatment"), variables };
		const first = armspan.prompt("support-reply", call);
		first.config.temperature = 2;
		first.messages.length = 0;
		const second = armspan.prompt("support-reply", call);
		expect(second.config).toEqual({ temperature: 0.2 });
		expect(second.messages).toHaveLength(2);
	});
});

describe("fallbacks", () => {
	it("keeps the arm and delivers the default version when the variant cannot be rendered", () => {
		const routed = armspan.prompt("brittle", { user: userIn("treatment", "brittle"), variables });
		expect(routed).toMatchObject({ version: "2.0.0", variant: "treatment", enrolled: true, model: "gpt-4o-mini" });
		expect(routed.messages[0]?.content).toContain("Plain.");
		expect(routed.error).toBeUndefined();
		const { attributes } = routed.run(() => startSpan());
		expect(attributes).toMatchObject({
			"gen_ai.prompt.version": "2.0.0",
			"feature_flag.result.variant": "tone.treatment",
			"armspan.fallback.reason": "render-failed",
		});
	});

	it("uses the caller's fallback when nothing can be rendered, and keeps the arm", () => {
		const fallback = { messages: [{ role: "user", content: "Hello?" }], model: "gpt-4.1" } as const;
		const user = userIn("treatment");
		const routed = armspan.prompt("support-reply", { user, variables: {}, fallback });
		expect(routed).toMatchObject({ ...fallback, variant: "treatment", fallbackReason: "render-failed" });
		expect(routed.error).toBeUndefined();
	});

	it("takes a fallback as it is, functions and all", () => {
		const config = { tools: [{ run: () => 1 }] } as never;
		const fallback = { messages: [{ role: "user", content: "?" }], model: "gpt-4o", config } as const;
		expect(armspan.prompt("nobody", { user: "u1", fallback }).config).toEqual(config);
	});

	it("says why there is nothing to send", () => {
		const routed = armspan.prompt("support-reply", { user: "u1", variables: {} });
		expect(routed.messages).toEqual([]);
		expect(routed.error).toMatchObject({ code: "RENDER_FAILED", message: expect.stringContaining("question") });
		expect(armspan.prompt("nobody", { user: "u1" }).error).toMatchObject({ code: "PROMPT_UNKNOWN" });
	});

	it("says once what goes wrong in every call", () => {
		const warned: string[] = [];
		const logger = { error() {}, info() {}, debug() {}, verbose() {}, warn: (line: string) => warned.push(line) };
		diag.setLogger(logger, { suppressOverrideMessage: true });
		try {
			for (let call = 0; call < 50; call++) armspan.prompt("a-typing-error", { user: `u${call}` });
			expect(warned).toEqual([expect.stringContaining('prompt "a-typing-error" is not in routing revision')]);
			expect(() => armspan.prompt("support-reply", { user: "u1" }).feedback(undefined as never)).not.toThrow();
			expect(warned.at(-1)).toContain('feedback "feedback": expected a finite number');
		} finally {
			diag.disable();
		}
	});

	it("does not enrol a call that could not be routed", () => {
		const routed = armspan.prompt("nobody", { user: "u1" });
		expect(routed.run(() => startSpan().attributes)).toMatchObject({
			"armspan.enrolled": false,
			"armspan.fallback.reason": "prompt-unknown",
			"gen_ai.prompt.name": "nobody",
		});
	});

	it("warns once, by name, of what is no option", () => {
		const warn = vi.fn();
		const ignore = () => {};
		diag.setLogger(
			{ warn, error: ignore, info: ignore, debug: ignore, verbose: ignore },
			{ suppressOverrideMessage: true },
		);
		try {
			createArmspan({ routingDirectry: "/mine", unitkey: "k" } as never).close();
		} finally {
			diag.disable();
		}
		expect(warn.mock.calls).toEqual([
			['[armspan] no such option, ignored: "routingDirectry", "unitkey"; see ArmspanOptions'],
		]);
	});

	it("works without any bundle", () => {
		const without = createArmspan({ routingDirectory: temporaryDirectory() });
		expect(without.prompt("support-reply", { user: "u1" }).error?.code).toBe("NO_BUNDLE");
		expect(without.status()).toMatchObject({ revision: undefined, source: "none" });
		without.close();
	});

	it("uses the bundled default until the routing directory can be read", async () => {
		const directory = temporaryDirectory();
		const bundledDefault = await writeSupportBundle();
		const shipped = createArmspan({ routingDirectory: directory, bundledDefault });
		const routed = shipped.prompt("support-reply", { user: "u1", variables });
		expect(routed.messages).toHaveLength(2);
		expect(routed.fallbackReason).toBe("bundled-default");
		shipped.close();
	});
});

describe("garbage", () => {
	const hostile = new Proxy(
		{},
		{
			get() {
				throw new Error("no");
			},
			ownKeys() {
				throw new Error("no");
			},
		},
	);
	const cycle: Record<string, unknown> = {};
	cycle.self = cycle;
	const garbage: unknown[] = [
		...[undefined, null, true, 0, Number.NaN, -1, 10n, "", "__proto__", "constructor", "a".repeat(100_000), "\ud800"],
		...[Symbol("s"), () => {}, [], {}, cycle, hostile, new Map(), new Date(Number.NaN), Object.create(null)],
	];

	it("throws nothing for any value in any place", () => {
		const unchecked = armspan as unknown as { prompt(...values: unknown[]): ReturnType<Armspan["prompt"]> };
		for (const value of garbage) {
			const calls: unknown[][] = [
				[value],
				["support-reply", value],
				...["user", "session", "request", "attributes", "variables", "fallback"].map((field) => [
					"support-reply",
					{ user: "u1", variables, [field]: value },
				]),
				["support-reply", { fallback: { messages: value, model: value, config: value } }],
				["support-reply", { fallback: { messages: [value], model: value, config: { value } } }],
				["brittle", { user: "u1", variables: { question: value, tone: value } }],
			];
			for (const call of calls) {
				const routed = unchecked.prompt(...call);
				expect(Array.isArray(routed.messages)).toBe(true);
				expect(routed.messages.length > 0 || routed.error !== undefined).toBe(true);
				expect(routed.run(() => startSpan() && 5)).toBe(5);
				const events = routed as unknown as Record<string, (...values: unknown[]) => void>;
				events.feedback!(value);
				events.feedback!({ score: value, label: value, explanation: value, name: value });
				events.score!(value, value);
				events.convert!(value);
			}
			createArmspan(value as never).close();
			createArmspan({ routingDirectory: value, bundledDefault: value, unitKey: value, pollMs: value } as never).close();
		}
	});
});
