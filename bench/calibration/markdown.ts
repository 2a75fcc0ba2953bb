import type { Mean, Quantiles } from "./monte-carlo.ts";

export function fixed(value: number): string {
	return value.toFixed(value < 0.0995 ? 4 : 3);
}

export function interval({ mean, lower, upper }: Mean): string {
	return `${fixed(mean)} [${fixed(lower)}, ${fixed(upper)}]`;
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
	return `${line(header)}|${"---|".repeat(header.length)}\n${rows.map(line).join("")}`;
}

export function bold(text: string, missed: boolean): string {
	return missed ? `**${text}**` : text;
}

export function atMost({ mean, atMost: bound }: Mean): string {
	return `${fixed(mean)} (≤ ${fixed(bound)})`;
}

export function seconds({ median, p95 }: Quantiles): string {
	const show = (ms: number) => (ms > 1e9 ? "never" : (ms / 1000).toFixed(ms < 20_000 ? 1 : 0));
	const of = ([value, lower, upper]: Quantiles["median"]) => `${show(value)} [${show(lower)}, ${show(upper)}]`;
	return `${of(median)} (${of(p95)})`;
}

export function units({ median, p95 }: Quantiles): string {
	return `${median[0].toLocaleString("en")} (${p95[0].toLocaleString("en")})`;
}
