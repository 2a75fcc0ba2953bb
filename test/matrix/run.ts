/**
 * Runs applications of every set-up on every version of Node, as ES modules and as CommonJS, against the simulated
 * provider, and prints which SDKs' spans arrive tagged and counted once: `npm run test:matrix`. An argument is a regular
 * expression for the set-ups to be run. Ends with 1 when something is wrong. Installs from the npm registry into a temporary folder; build first.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installApplication, installNode, packOwnPackages, runProgram } from "./application.ts";
import { startSurroundings } from "./programs.ts";
import { interleavedProgram, type ModuleType, SDK_PROGRAMS } from "./sdk-program.ts";
import { SET_UPS, type SetUp } from "./set-ups.ts";
import { wrongTags } from "./wrong-tags.ts";

const NODE_VERSIONS = ["22.15.0", "24.11.1", "26.10.0"];
const TYPES: readonly ModuleType[] = ["module", "commonjs"];
/** 204 users in all. */
const USERS_PER_SDK = 34;

interface Row {
	readonly setUp: string;
	readonly node: string;
	readonly type: ModuleType;
	/** What is wrong, by SDK. */
	readonly wrong: ReadonlyMap<string, readonly string[]>;
}

const folder = mkdtempSync(join(tmpdir(), "armspan-matrix-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const surroundings = await startSurroundings();
const rows: Row[] = [];
try {
	const [tarballs, nodes] = await Promise.all([
		packOwnPackages(join(folder, "tarballs")),
		Promise.all(NODE_VERSIONS.map((version) => installNode(join(folder, `node-${version}`), version))),
	]);
	const wanted = new RegExp(process.argv[2] ?? "");
	for (const [index, setUp] of SET_UPS.entries()) {
		if (!wanted.test(setUp.name)) continue;
		const application = join(folder, `application-${index}`);
		const packages = Object.assign({}, setUp.packages, ...setUp.sdks.map((sdk) => sdk.packages));
		await installApplication(application, packages, tarballs);
		for (const [name, content] of Object.entries(setUp.files ?? {})) writeFileSync(join(application, name), content);
		for (const [at, node] of nodes.entries()) {
			for (const type of TYPES) rows.push(await runRow(setUp, application, NODE_VERSIONS[at]!, node, type));
		}
	}
} finally {
	await surroundings.close();
}
print(rows);
if (rows.some(({ wrong }) => wrong.size > 0)) process.exitCode = 1;

async function runRow(
	setUp: SetUp,
	application: string,
	version: string,
	node: string,
	type: ModuleType,
): Promise<Row> {
	const file = type === "module" ? "main.mjs" : "main.cjs";
	writeFileSync(join(application, file), interleavedProgram(type, setUp.sdks, USERS_PER_SDK, setUp.before(type)));
	const { spans } = surroundings.collector;
	spans.length = 0;
	const { code, stdout, stderr } = await runProgram(node, application, [...setUp.execArgv, file], surroundings.env);
	const wrong = new Map<string, string[]>();
	for (const sdk of setUp.sdks) {
		const own = spans.filter(({ attributes }) => String(attributes["armspan.unit.id"]).startsWith(`${sdk.name}-u`));
		const lines = wrongTags(stdout, own, [sdk], USERS_PER_SDK);
		if (code !== 0) lines.unshift(`exit code ${code}: ${stderr.trim().slice(0, 2000)}`);
		if (lines.length > 0) wrong.set(sdk.name, lines);
	}
	const untagged = spans.filter(({ attributes }) => !("armspan.unit.id" in attributes));
	if (untagged.length > 0) wrong.set("any", [`${untagged.length} spans without tags, such as ${untagged[0]!.name}`]);
	process.stderr.write(`${setUp.name} · Node ${version} · ${type}: ${wrong.size === 0 ? "right" : "WRONG"}\n`);
	return { setUp: setUp.name, node: version, type, wrong };
}

function print(all: readonly Row[]): void {
	const names = SDK_PROGRAMS.map(({ name }) => name);
	const lines = [
		["set-up", "Node", "modules", ...names],
		["---", "---", "---", ...names.map(() => ":-:")],
		...all.map(({ setUp, node, type, wrong }) => [
			setUp,
			node,
			type === "module" ? "ESM" : "CommonJS",
			...names.map((name) => (wrong.has(name) ? "✗" : "✓")),
		]),
	];
	process.stdout.write(`${lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`);
	for (const { setUp, node, type, wrong } of all) {
		for (const [name, what] of wrong) {
			process.stdout.write(`\n${setUp}, Node ${node}, ${type}, ${name}:\n${what.slice(0, 3).join("\n")}\n`);
		}
	}
}
