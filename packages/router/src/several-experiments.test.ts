import { routedExperiments } from "@armspan/schema";
import { describe, expect, it } from "vitest";
import { compileBundle } from "./compile-bundle.ts";
import { RouterError } from "./errors.ts";
import { RoutingTable } from "./routing-table.ts";
import { type SampleChanges, sampleExperiment, sampleInput } from "./testing/sample-input.ts";

const SUPPORT = "support-reply";
const environment = { layers: { chat: { slots: { polite: 0.4, brief: 0.3, other: 0.1 } } } };
const polite = (changes: object = {}) => sampleExperiment({ layer: "chat", ...changes });
const brief = (changes: object = {}) => sampleExperiment({ key: "brief", layer: "chat", iteration: 2, ...changes });

function compiled(changes: SampleChanges) {
	const { file } = compileBundle(sampleInput({ environment, ...changes }));
	return { file, table: RoutingTable.fromFile(file), flag: file.flags[SUPPORT]! };
}

function count(table: RoutingTable, total: number): Record<string, number> {
	const counts: Record<string, number> = {};
	for (let index = 0; index < total; index++) {
		const { experiment, reason } = table.assign(SUPPORT, { user: `user-${index}` })!;
		const key = `${experiment ?? ""} ${reason}`.trim();
		counts[key] = (counts[key] ?? 0) + 1;
	}
	return counts;
}

describe("several experiments on one prompt", () => {
	it("share a divided layer, each in its slot", () => {
		const { table, flag } = compiled({ experiments: [polite({ allocation: { enrolled: 0.5 } }), brief()] });
		expect(routedExperiments(flag.metadata)).toEqual([
			{ key: "brief", iteration: 2, status: "running" },
			{ key: "polite", iteration: 1, status: "running" },
		]);
		const counts = count(table, 10_000);
		expect(Object.keys(counts).sort()).toEqual(["brief split", "gate", "other-layer", "polite split"]);
		expect(counts["brief split"]).toBeGreaterThan(2_700);
		expect(counts["brief split"]).toBeLessThan(3_300);
		expect(counts["other-layer"]).toBeGreaterThan(2_700);
		expect(counts["other-layer"]).toBeLessThan(3_300);
	});

	it.each(["halted", "stopped"] as const)("leave the slot of one that is %s to nobody", (status) => {
		const before = compiled({ experiments: [polite(), brief()] });
		const after = compiled({ experiments: [polite(), brief({ status })] });
		expect(after.flag.metadata.experiments).toBe(`polite#1:running brief#2:${status}`);
		for (let index = 0; index < 5_000; index++) {
			const units = { user: `user-${index}` };
			const was = before.table.assign(SUPPORT, units)!;
			const is = after.table.assign(SUPPORT, units)!;
			if (was.experiment === "brief") expect(is).toMatchObject({ reason: status, experiment: null, enrolled: false });
			else expect(is).toEqual(was);
		}
	});

	it("give everybody the default when none of them runs", () => {
		const { table, flag } = compiled({ experiments: [polite({ status: "stopped" }), brief({ status: "halted" })] });
		expect(flag.targeting).toBeUndefined();
		expect(count(table, 100)).toEqual({ halted: 100 });
	});

	it.each<[string, SampleChanges, string]>([
		["without a layer", { experiments: [sampleExperiment(), sampleExperiment({ key: "brief" })] }, "PROMPT_OVERLAP"],
		["on a layer that is not divided", { environment: {}, experiments: [polite(), brief()] }, "PROMPT_OVERLAP"],
		["of which one has no layer", { experiments: [polite(), sampleExperiment({ key: "brief" })] }, "PROMPT_OVERLAP"],
		[
			"on two layers",
			{
				environment: { layers: { ...environment.layers, voice: { slots: { brief: 1 } } } },
				experiments: [polite(), brief({ layer: "voice" })],
			},
			"PROMPT_OVERLAP",
		],
		["of which one has no slot", { experiments: [polite(), brief({ key: "new" })] }, "SLOT_MISSING"],
	])("are refused %s", (_what, changes, code) => {
		expect(() => compiled(changes)).toThrow(expect.objectContaining({ code }));
	});

	it("are not refused when only one of them runs, whatever the layers", () => {
		const experiments = [polite(), sampleExperiment({ key: "old", status: "stopped" })];
		expect(compiled({ experiments }).flag.metadata.experiments).toBe("polite#1:running old#1:stopped");
	});
});

describe("units by attribute", () => {
	const byAccount = { unit: "attribute", unitAttribute: "accountId" } as const;

	it("hash the attribute; a number is its text", () => {
		const { table, flag } = compiled({ environment: {}, experiments: [sampleExperiment(byAccount)] });
		expect(flag.metadata).toMatchObject(byAccount);
		const arm = (accountId: unknown) => table.assign(SUPPORT, { user: "u1" }, { accountId } as { accountId: string });
		expect(arm("a-17")).toMatchObject({ reason: "split", unitType: "attribute" });
		expect(arm(4711)).toBe(arm("4711"));
		expect(table.unitId(SUPPORT, {}, { accountId: 4711 })).toBe("4711");
		for (const none of [undefined, true, 1.5, 2 ** 53, "", "x".repeat(1001), {}, null]) {
			expect(arm(none)?.reason).toBe("no-unit");
			expect(table.unitId(SUPPORT, {}, { accountId: none } as { accountId: string })).toBeUndefined();
		}
		expect(table.assign(SUPPORT, { user: "u1" })?.reason).toBe("no-unit");
	});

	it.each<[string, SampleChanges]>([
		[
			"the layer's",
			{
				environment: { layers: { chat: { unit: "attribute", unitAttribute: "tenant", slots: { polite: 1 } } } },
				experiments: [polite(byAccount)],
			},
		],
		[
			"the holdout's",
			{
				environment: { holdout: { key: "q4", share: 0.1, unit: "attribute", unitAttribute: "tenant" } },
				experiments: [sampleExperiment(byAccount)],
			},
		],
	])("must be %s attribute", (_whose, changes) => {
		try {
			compiled(changes);
			expect.unreachable();
		} catch (error) {
			expect(error).toBeInstanceOf(RouterError);
			expect((error as RouterError).message).toContain("attribute tenant; use the same unit");
			expect(error).toMatchObject({ code: "UNIT_TYPE_MIXED", value: "attribute accountId" });
		}
	});
});
