import { describe, expect, it } from "vitest";
import { compileBundle } from "./compile-bundle.ts";
import { routableUnitId } from "./routable-unit-id.ts";
import { RoutingTable } from "./routing-table.ts";
import { type SampleChanges, sampleExperiment, sampleInput } from "./testing/sample-input.ts";

const SUPPORT = "support-reply";

function compiled(changes: SampleChanges) {
	const bundle = compileBundle(sampleInput(changes));
	return { ...bundle, table: RoutingTable.fromFile(bundle.file), flag: bundle.file.flags[SUPPORT]! };
}

describe("overrides", () => {
	const override = (unit: string, variant = "polite", experiment = "polite") => ({ unit, experiment, variant });

	it("give named units an arm, unenrolled, before every other rule", () => {
		const { table, flag } = compiled({
			environment: {
				holdout: { key: "q4", share: 1 },
				overrides: [override("qa-2"), override("qa-1"), override("Zoë"), override("qa-3", "control")],
			},
			experiments: [
				sampleExperiment({ allocation: { enrolled: 0 }, audience: [{ attribute: "country", in: ["CH"] }] }),
			],
		});
		for (const user of ["qa-1", "qa-2", "Zoë", routableUnitId("Zoë")]) {
			expect(table.assign(SUPPORT, { user })).toMatchObject({
				reason: "override",
				flagVariant: "polite.polite.override",
				version: "1.1.0",
				experiment: "polite",
				variant: "polite",
				iteration: 1,
				enrolled: false,
			});
		}
		expect(table.assign(SUPPORT, { user: "qa-3" })).toMatchObject({ variant: "control", reason: "override" });
		expect(table.assign(SUPPORT, { user: "qa-4" })?.reason).toBe("holdout");
		expect(table.assign(SUPPORT, {})?.reason).toBe("no-unit");
		expect(JSON.stringify(flag.targeting)).toContain(JSON.stringify([routableUnitId("Zoë"), "qa-1", "qa-2"].sort()));
	});

	it.each([{ status: "halted" }, { status: "stopped" }, { status: "draft" }] as const)(
		"are left out when the experiment is %s",
		({ status }) => {
			const environment = { overrides: [override("qa-1")] };
			const { flag, table } = compiled({ environment, experiments: [sampleExperiment({ status })] });
			expect(Object.keys(flag.variants)).toEqual(["default"]);
			expect(table.assign(SUPPORT, { user: "qa-1" })?.enrolled).toBe(false);
		},
	);

	it("are left out when a guardrail has halted the experiment", () => {
		const environment = { overrides: [override("qa-1")] };
		const { table } = compiled({ environment, halted: new Set(["polite#1"]) });
		expect(table.assign(SUPPORT, { user: "qa-1" })).toMatchObject({ variant: "default", reason: "halted" });
	});

	it.each<[string, object[], string, string]>([
		["an unknown experiment", [override("u", "polite", "nothing")], "OVERRIDE_UNKNOWN", "overrides[0].experiment"],
		["an unknown variant", [override("a"), override("u", "nice")], "OVERRIDE_UNKNOWN", "overrides[1].variant"],
		["a unit twice", [override("u"), override("u", "control")], "OVERRIDE_TWICE", "overrides[1].unit"],
		["a unit in both its forms", [override("ü"), override(routableUnitId("ü"))], "OVERRIDE_TWICE", "overrides[1].unit"],
	])("are refused for %s", (_what, overrides, code, field) => {
		const file = "environments/production.yaml";
		const refused = expect.objectContaining({ code, field, file });
		expect(() => compiled({ environment: { overrides } })).toThrow(refused);
	});

	it("are refused for a unit in two experiments that run on one prompt", () => {
		const environment = {
			layers: { chat: { slots: { polite: 0.5, brief: 0.5 } } },
			overrides: [override("u"), override("u", "polite", "brief")],
		};
		const brief = (changes: object = {}) => sampleExperiment({ key: "brief", layer: "chat", ...changes });
		const experiments = [sampleExperiment({ layer: "chat" }), brief()];
		expect(() => compiled({ environment, experiments })).toThrow(expect.objectContaining({ code: "OVERRIDE_TWICE" }));
		const { table } = compiled({ environment, experiments: [experiments[0]!, brief({ status: "halted" })] });
		expect(table.assign(SUPPORT, { user: "u" })?.flagVariant).toBe("polite.polite.override");
	});
});

describe("shadow", () => {
	const variants = [
		{ key: "control", version: "1.0.0", weight: 9 },
		{ key: "polite", version: "1.1.0", weight: 1 },
		{ key: "large", version: "1.1.0", model: "m-large", weight: 3 },
	];
	const shadowed = (allocation: object = {}) =>
		compiled({
			experiments: [sampleExperiment({ variants, allocation: { type: "shadow", maxConcurrent: 7, ...allocation } })],
		});

	it("delivers the default beside a treatment, drawn by the treatments' weights", () => {
		const { table, flag, prompts } = shadowed();
		expect(Object.keys(flag.variants).sort()).toEqual(["default", "polite.large.shadow", "polite.polite.shadow"]);
		const counts: Record<string, number> = {};
		for (let index = 0; index < 8_000; index++) {
			const assignment = table.assign(SUPPORT, { user: `u${index}` })!;
			expect(assignment).toMatchObject({ version: "1.0.0", variant: "default", enrolled: false, reason: "shadow" });
			counts[assignment.shadow!.variant] = (counts[assignment.shadow!.variant] ?? 0) + 1;
		}
		expect(Math.abs(counts.polite! - 2_000)).toBeLessThan(6 * Math.sqrt(8_000 * 0.25 * 0.75));
		expect(counts.polite! + counts.large!).toBe(8_000);
		const { shadow } = table.assign(SUPPORT, { user: "u1" })!;
		expect(Object.isFrozen(shadow) && Object.isFrozen(shadow?.parameters)).toBe(true);
		expect(shadow).toMatchObject({ version: "1.1.0", maxConcurrent: 7, maxCallsPerMinute: 60 });
		expect(prompts.has(shadow!.digest) && table.digests.has(shadow!.digest)).toBe(true);
	});

	it("draws the same arms from the same gate as the experiment would", () => {
		const live = compiled({
			experiments: [sampleExperiment({ variants: variants.slice(0, 2), allocation: { enrolled: 0.3 } })],
		});
		const shadow = compiled({
			experiments: [
				sampleExperiment({ variants: variants.slice(0, 2), allocation: { type: "shadow", enrolled: 0.3 } }),
			],
		});
		for (let index = 0; index < 2_000; index++) {
			const units = { user: `u${index}` };
			const is = shadow.table.assign(SUPPORT, units)!;
			expect(is.reason).toBe(live.table.assign(SUPPORT, units)?.enrolled ? "shadow" : "gate");
			expect(is.shadow === undefined).toBe(is.reason === "gate");
		}
	});

	it.each<[string, object]>([
		["is enrolled", { enrolled: true }],
		["delivers something else", { digest: "0".repeat(64) }],
		["has no shadow", { shadow: undefined }],
		["names another arm", { variant: "polite" }],
		["is of another iteration", { iteration: 2 }],
	])("is refused when it %s", (_what, change) => {
		const file = JSON.parse(shadowed().json);
		Object.assign(file.flags[SUPPORT].variants["polite.polite.shadow"], change);
		expect(() => RoutingTable.fromFile(file)).toThrow(expect.objectContaining({ code: "VARIANT_INVALID" }));
	});
});
