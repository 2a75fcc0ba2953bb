import type { Engine } from "../engine.ts";
import { loadEngine } from "../load-engine.ts";

interface Server {
	initializeAsync(): Promise<unknown>;
	getExperimentWithExposureLoggingDisabledSync(
		user: { userID: string },
		name: string,
	): { get(key: string, fallback: string): string };
	shutdown(): void;
}

function group(name: string, below: number) {
	const condition = {
		type: "user_bucket",
		targetValue: below,
		operator: "lt",
		field: null,
		additionalValues: { salt: "salt" },
		isDeviceBased: false,
		idType: "userID",
	};
	return {
		name,
		groupName: name,
		id: name,
		salt: name,
		idType: "userID",
		passPercentage: 100,
		conditions: [condition],
		returnValue: { arm: name },
		isExperimentGroup: true,
	};
}

const SPECS = JSON.stringify({
	has_updates: true,
	time: 1,
	feature_gates: [],
	layer_configs: [],
	layers: {},
	dynamic_configs: [
		{
			name: "prompt",
			type: "dynamic_config",
			salt: "salt",
			enabled: true,
			defaultValue: { arm: "none" },
			rules: [group("control", 500), group("treatment", 1000)],
			isDeviceBased: false,
			idType: "userID",
			entity: "experiment",
			explicitParameters: ["arm"],
			isActive: true,
		},
	],
});

/** Local mode with bootstrapped specs, and without logging exposures, which is the faster of its two calls. */
export async function statsig(): Promise<Engine> {
	const module = await loadEngine<{ default: { StatsigServer: new (key: string, options: object) => Server } }>(
		"statsig-node",
	);
	const server = new module.default.StatsigServer("secret-bench", {
		localMode: true,
		bootstrapValues: SPECS,
		disableDiagnostics: true,
		disableRulesetsSync: true,
		disableIdListsSync: true,
		disableAllLogging: true,
		initStrategyForIP3Country: "none",
		initStrategyForIDLists: "none",
	});
	await server.initializeAsync();
	return {
		name: "statsig-node",
		context: (userID) => ({ userID }),
		run(contexts) {
			let treatments = 0;
			for (let index = 0; index < contexts.length; index++) {
				const user = contexts[index] as { userID: string };
				const experiment = server.getExperimentWithExposureLoggingDisabledSync(user, "prompt");
				if (experiment.get("arm", "none") === "treatment") treatments++;
			}
			return treatments;
		},
		close: () => server.shutdown(),
	};
}
