import { createHash } from "node:crypto";
import { Environment, Experiment, Name } from "@armspan/schema";
import type { Git } from "./git.ts";
import { listTree, readBlobs, resolveCommit, type TreeEntry } from "./git-objects.ts";
import { readMetric, withMetrics } from "./read-metrics.ts";
import { type ReleaseReference, readReleases } from "./read-releases.ts";
import { invalidRepository, type RepositoryIssue } from "./registry-error.ts";
import type { EnvironmentFile, ExperimentFile, MetricFile, RepositorySnapshot } from "./repository-snapshot.ts";
import { StrictYaml } from "./strict-yaml.ts";

const FOLDERS = ["experiments", "environments", "metrics"] as const;
const MAX_FILE_BYTES = 1024 * 1024;

/** Reads and checks what a commit intends. */
export async function readSnapshot(git: Git, directory: string, ref: string): Promise<RepositorySnapshot> {
	const commit = await resolveCommit(git, directory, ref);
	const entries = await listTree(git, commit, FOLDERS);
	const issues: RepositoryIssue[] = [];
	const yamlEntries = entries.filter((entry) => isConfiguration(entry, issues));
	const blobs = await readBlobs(
		git,
		yamlEntries.map((entry) => entry.objectId),
	);

	const experiments: ExperimentFile[] = [];
	const environments: EnvironmentFile[] = [];
	const metrics: MetricFile[] = [];
	const brokenMetrics = new Set<string>();
	const yamls = new Map<string, StrictYaml>();
	const references: ReleaseReference[] = [];
	for (const entry of yamlEntries) {
		const file = entry.path;
		const bytes = blobs.get(entry.objectId)!;
		const yaml = StrictYaml.parse(file, bytes);
		if (!(yaml instanceof StrictYaml)) {
			issues.push(...yaml);
			if (file.startsWith("metrics/")) brokenMetrics.add(fileKey(file));
			continue;
		}
		yamls.set(file, yaml);
		const lineOf = (path: readonly (string | number)[]) => yaml.lineOf(path);
		if (file.startsWith("experiments/")) {
			const experiment = readExperiment(yaml, fileKey(file), issues);
			if (!experiment) continue;
			experiments.push({ file, digest: createHash("sha256").update(bytes).digest("hex"), experiment, lineOf });
			experiment.variants.forEach((variant, index) => {
				references.push({
					prompt: experiment.prompt,
					version: variant.version,
					// A draft may be written before its prompt is released.
					required: experiment.status !== "draft",
					issue: (message) => yaml.issue(["variants", index, "version"], message),
				});
			});
		} else if (file.startsWith("metrics/")) {
			const metric = readMetric(yaml, fileKey(file), issues);
			if (metric) metrics.push({ file, metric, lineOf });
			else brokenMetrics.add(fileKey(file));
		} else {
			const result = yaml.validate(Environment);
			if ("issues" in result) {
				issues.push(...result.issues);
				continue;
			}
			environments.push({ name: fileKey(file), file, environment: result.data, lineOf });
			for (const [prompt, version] of Object.entries(result.data.prompts)) {
				const issue = (message: string) => yaml.issue(["prompts", prompt], message);
				references.push({ prompt, version, required: true, issue });
			}
		}
	}

	const resolved = experiments.map((file) =>
		withMetrics(file, { metrics, brokenMetrics }, (path, message) => {
			const yaml = yamls.get(file.file);
			if (yaml) issues.push(yaml.issue(path, message));
		}),
	);
	const releases = await readReleases(git, references, issues);
	if (issues.length > 0) throw invalidRepository(directory, commit, issues);
	return { commit, experiments: resolved, environments, metrics, releases };
}

/** Experiment of the file if it is sound and named as the file is. */
export function readExperiment(yaml: StrictYaml, key: string, issues: RepositoryIssue[]): Experiment | undefined {
	const result = yaml.validate(Experiment);
	if ("issues" in result) {
		issues.push(...result.issues);
		return undefined;
	}
	if (result.data.key !== key) {
		const message = `key: "${result.data.key}" does not match the file name; expected "${key}"`;
		issues.push(yaml.issue(["key"], message));
		return undefined;
	}
	return result.data;
}

function fileKey(file: string): string {
	return file.slice(file.lastIndexOf("/") + 1, -".yaml".length);
}

/** Whether the entry is to be read; a file that somebody may think is read, but is not, is an issue. */
function isConfiguration(entry: TreeEntry, issues: RepositoryIssue[]): boolean {
	const refuse = (message: string): false => {
		issues.push({ file: entry.path, line: 1, column: 1, path: [], message });
		return false;
	};
	if (/\.yml$/i.test(entry.path)) return refuse('expected the ending ".yaml"; rename the file');
	if (!entry.path.endsWith(".yaml")) return false;
	if (entry.type !== "blob" || entry.mode === "120000") return refuse("expected a regular file, found a link");
	if (entry.path.split("/").length !== 2) {
		return refuse(`expected directly in ${entry.path.split("/", 1)[0]}/; move the file up`);
	}
	if ((entry.size ?? 0) > MAX_FILE_BYTES) return refuse(`${entry.size} bytes; expected at most ${MAX_FILE_BYTES}`);
	const name = Name.safeParse(fileKey(entry.path));
	if (!name.success) return refuse(`file name: ${name.error.issues[0]?.message ?? "not a valid name"}`);
	return true;
}
