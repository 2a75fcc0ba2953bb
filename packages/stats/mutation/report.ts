/**
 * Prints what the last mutation run found, by file: `npm run test:mutation:report`, with `-- survivors` every mutant
 * that lives.
 *
 * Stryker keeps results of files that a run leaves out, so runs of some files each add up to one report.
 */
import { readFileSync } from "node:fs";

type Status =
	| "Killed"
	| "Timeout"
	| "Survived"
	| "NoCoverage"
	| "Ignored"
	| "RuntimeError"
	| "CompileError"
	| "Pending";

interface Position {
	readonly line: number;
	readonly column: number;
}

interface Report {
	readonly files: Readonly<
		Record<
			string,
			{
				readonly source: string;
				readonly mutants: readonly {
					readonly status: Status;
					readonly statusReason?: string;
					readonly mutatorName: string;
					readonly replacement?: string;
					readonly location: { readonly start: Position; readonly end: Position };
				}[];
			}
		>
	>;
}

const report: Report = JSON.parse(
	readFileSync(new URL("../reports/stryker-incremental.json", import.meta.url), "utf8"),
);

const files = Object.entries(report.files)
	.map(([path, file]) => ({ name: path.replace(/^src\//, ""), ...file }))
	.sort((a, b) => (a.name < b.name ? -1 : 1));

if (process.argv[2] === "survivors") printSurvivors();
else printTable();

function printSurvivors(): void {
	for (const { name, source, mutants } of files) {
		const lines = source.split("\n");
		for (const { status, mutatorName, replacement = "", location } of mutants) {
			if (status !== "Survived" && status !== "NoCoverage") continue;
			const { start, end } = location;
			const stop = start.line === end.line ? end.column - 1 : undefined;
			const original = lines[start.line - 1]!.slice(start.column - 1, stop);
			console.log(`${name}:${start.line} ${mutatorName}: ${original} → ${replacement.replaceAll(/\s+/g, " ")}`);
		}
	}
}

function printTable(): void {
	console.log("| file | mutants | killed | timeout | survived | no coverage | score |");
	console.log("|---|--:|--:|--:|--:|--:|--:|");
	for (const { name, mutants } of files) console.log(row(`\`${name}\``, mutants));
	const all = files.flatMap(({ mutants }) => mutants);
	console.log(row("**all**", all));
	const ignored = all.filter(({ status }) => status === "Ignored");
	const sentences = ignored.filter(({ statusReason }) => statusReason === "A sentence for people.").length;
	console.log(
		`\nLeft out: ${sentences} in sentences for people, ${ignored.length - sentences} that only run at loading.`,
	);
}

function row(name: string, mutants: readonly { readonly status: Status }[]): string {
	const count = (status: Status) => mutants.filter((mutant) => mutant.status === status).length;
	const [killed, timeout] = [count("Killed"), count("Timeout")];
	const [survived, uncovered] = [count("Survived"), count("NoCoverage")];
	const all = killed + timeout + survived + uncovered;
	const score = all === 0 ? "" : `${((100 * (killed + timeout)) / all).toFixed(1)} %`;
	return `| ${[name, all, killed, timeout, survived, uncovered, score].join(" | ")} |`;
}
