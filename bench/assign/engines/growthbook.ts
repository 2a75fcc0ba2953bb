import type { Engine } from "../engine.ts";
import { loadEngine } from "../load-engine.ts";

interface Client {
	initSync(options: { payload: object }): Client;
	evalFeature(key: string, user: { attributes: { id: string } }): { value: unknown };
	destroy(): void;
}

/** The client for many users, which is the faster of its two. */
export async function growthbook(): Promise<Engine> {
	const { GrowthBookClient } = await loadEngine<{ GrowthBookClient: new (options: object) => Client }>(
		"@growthbook/growthbook",
	);
	const rule = { key: "exp", seed: "salt", hashVersion: 2, variations: ["control", "treatment"], weights: [0.5, 0.5] };
	const features = { prompt: { defaultValue: "control", rules: [rule] } };
	const client = new GrowthBookClient({}).initSync({ payload: { features } });
	return {
		name: "@growthbook/growthbook",
		context: (id) => ({ attributes: { id } }),
		run(contexts) {
			let treatments = 0;
			for (let index = 0; index < contexts.length; index++) {
				const { value } = client.evalFeature("prompt", contexts[index] as { attributes: { id: string } });
				if (value === "treatment") treatments++;
			}
			return treatments;
		},
		close: () => client.destroy(),
	};
}
