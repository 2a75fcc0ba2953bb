import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { upCommand } from "../../packages/cli/src/commands/up.ts";
import { type ComposeService, composeUnavailable, exampleEnvironment, loadComposeFile } from "./compose-file.ts";

const ROOT = join(import.meta.dirname, "../..");
const text = readFileSync(join(ROOT, "docker-compose.yml"), "utf8");
const SECRET = /PASSWORD|TOKEN|SECRET|KEY/;

const unavailable = composeUnavailable();
if (unavailable !== undefined) {
	if (process.env.ARMSPAN_REQUIRE_CONFORMANCE === "1") throw new Error(unavailable);
	process.stderr.write(`\nSKIPPED: docker-compose.yml: ${unavailable}\n`);
}

test("a secret is asked for, and has no default", () => {
	const variables = [...text.matchAll(/\$\{([A-Z_]+)(:?[?-])?([^}]*)\}/g)];
	const asked = new Set(variables.filter(([, , how]) => how === ":?").map(([, name]) => name));
	expect([...asked].sort()).toEqual(Object.keys(exampleEnvironment()).sort());
	const withDefault = new Set(variables.filter(([, , how]) => how === ":-").map(([, name = ""]) => name));
	expect([...withDefault].filter((name) => SECRET.test(name))).toEqual([]);
	expect(variables.filter(([, , how]) => how === undefined)).toEqual([]);
	const example = readFileSync(join(ROOT, ".env.example"), "utf8");
	for (const name of withDefault) expect(example, name).toMatch(new RegExp(`^#${name}=.`, "m"));
});

describe.skipIf(unavailable !== undefined)(
	"docker-compose.yml, read by Compose's own library",
	{ timeout: 300_000 },
	() => {
		const env = exampleEnvironment();
		const project = unavailable === undefined ? loadComposeFile(env) : { services: {}, volumes: {} };
		const services = Object.entries(project.services);
		const running = services.filter(([, { restart }]) => restart !== "no");
		const mounts = (of: ComposeService) => of.volumes ?? [];

		test("nothing starts while a secret is missing, and Compose says where to look", () => {
			const { ARMSPAN_TOKEN: _, ...without } = env;
			expect(() => loadComposeFile(without)).toThrow(/ARMSPAN_TOKEN is missing a value: see \.env\.example/);
			expect(() => loadComposeFile({ ...env, GRAFANA_ADMIN_PASSWORD: "" })).toThrow(/GRAFANA_ADMIN_PASSWORD/);
		});

		test.each(services)("%s may do nothing that it need not", (_name, service) => {
			expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] });
			expect(service.privileged).toBe(undefined);
			expect(service.image).toMatch(/:\d+\.\d+\.\d+/);
			for (const { host_ip } of service.ports ?? []) expect(host_ip).toBe("127.0.0.1");
			for (const [name, value] of Object.entries(service.environment ?? {})) {
				if (SECRET.test(name)) expect(value, name).toMatch(/^value-of-/);
			}
		});

		test("only what is gone at once runs as root", () => {
			expect(services.filter(([, { user }]) => user?.startsWith("0")).map(([name]) => name)).toEqual(["volumes"]);
			expect(running.map(([name]) => name).sort()).toEqual(["armspan", "clickhouse", "collector", "grafana"]);
			expect(services.flatMap(([, { cap_add }]) => cap_add ?? [])).toEqual(["CHOWN"]);
		});

		test("what is mounted from here is in git and cannot be written to; the rest are volumes", () => {
			for (const [name, service] of services) {
				for (const { type, source, read_only } of mounts(service)) {
					const path = relative(ROOT, source);
					if (type === "volume") expect(Object.keys(project.volumes)).toContain(source);
					else if (path !== env.ARMSPAN_REPOSITORY) {
						expect(read_only, `${name}: ${path}`).toBe(true);
						expect(existsSync(source), path).toBe(true);
						expect(execFileSync("git", ["ls-files", path], { cwd: ROOT, encoding: "utf8" }), path).not.toBe("");
					}
				}
			}
		});

		test("the repository is a folder, named as init names it, and is not made where it is not", () => {
			const find = (named: string) =>
				mounts(loadComposeFile({ ...env, ARMSPAN_REPOSITORY: named }).services.armspan!).find(
					({ target }) => target === "/repository",
				);
			for (const [named, source] of [
				["my-prompts", join(ROOT, "my-prompts")],
				["./my-prompts", join(ROOT, "my-prompts")],
				["/srv/prompts", "/srv/prompts"],
			] as const) {
				expect(find(named)).toMatchObject({ type: "bind", source });
				expect(find(named)?.bind?.create_host_path ?? false).toBe(false);
			}
		});

		test("no password reaches ClickHouse unchecked", () => {
			const { command, environment = {} } = project.services.volumes!;
			const passwords = Object.keys(environment).filter((name) => SECRET.test(name));
			const ofClickHouse = Object.keys(project.services.clickhouse?.environment ?? {}).filter((key) =>
				/PASSWORD/.test(key),
			);
			expect(passwords.sort()).toEqual(ofClickHouse.sort());
			expect(command?.[0]).toMatch(/^sh \/check-secrets\.sh [A-Z_ ]+ && chown /);
			for (const name of passwords) expect(command?.[0]?.split(" && ")[0]?.split(" ")).toContain(name);
			expect(project.services.clickhouse?.depends_on?.volumes?.condition).toBe("service_completed_successfully");
		});

		test("what writes to a volume of another user's waits until it is theirs", () => {
			const owned = mounts(project.services.volumes!).map(({ source }) => source);
			const [, command = ""] = ["", ...(project.services.volumes?.command ?? [])];
			for (const [name, service] of running) {
				const uid = service.user?.split(":")[0];
				for (const { target } of mounts(service).filter(
					({ type, source }) => type === "volume" && owned.includes(source),
				)) {
					expect(command, name).toContain(`chown ${name === "armspan" ? '"1000:1000"' : `${uid}:${uid}`} ${target}`);
					expect(waitsFor(name), name).toContain("volumes");
				}
			}
		});

		test("every one is checked for health, but the Collector, which has no program to do it with", () => {
			const inImage = readFileSync(join(ROOT, "Dockerfile"), "utf8").includes("\nHEALTHCHECK ");
			const checked = running.filter(
				([name, { healthcheck }]) => healthcheck !== undefined || (name === "armspan" && inImage),
			);
			expect(checked.map(([name]) => name).sort()).toEqual(["armspan", "clickhouse", "grafana"]);
			expect(project.services.collector?.ports?.map(({ target }) => target)).toContain(13133);
		});

		test("the service is told what it understands", () => {
			const [command, ...args] = project.services.armspan?.command ?? [];
			const known = new Set(upCommand().options.map(({ long }) => long));
			expect(command).toBe("up");
			for (const arg of args) expect(known, arg).toContain(arg.split("=")[0]);
		});

		test("the Collector is the one that collector-config pins, and is told what its files ask for", () => {
			const builder = readFileSync(join(ROOT, "collector-config/builder.yaml"), "utf8");
			const version = /clickhouseexporter v(\S+)/.exec(builder)?.[1];
			const collector = project.services.collector!;
			expect(collector.image).toBe(`otel/opentelemetry-collector-contrib:${version}`);
			const files = mounts(collector).filter(({ type }) => type === "bind");
			expect(collector.command).toEqual(files.map(({ target }) => `--config=${target}`));
			const read = new Set(
				files.flatMap(({ source }) =>
					[...readFileSync(source, "utf8").matchAll(/\$\{env:([A-Z_]+)/g)].map(([, name]) => name),
				),
			);
			for (const name of Object.keys(collector.environment ?? {}).filter((key) => key !== "GOMEMLIMIT")) {
				expect(read, name).toContain(name);
			}
		});

		test("Grafana has the data source's plugin, and what its provisioning asks for", () => {
			const { environment = {} } = project.services.grafana ?? {};
			const source = readFileSync(join(ROOT, "dashboards/provisioning/datasources/clickhouse.yaml"), "utf8");
			expect(environment.GF_PLUGINS_PREINSTALL_SYNC).toMatch(/^grafana-clickhouse-datasource@\d+\.\d+\.\d+$/);
			expect(source).toContain("type: grafana-clickhouse-datasource");
			const asked = [...source.matchAll(/\$([A-Z_]+)/g)].map(([, name = ""]) => name);
			expect(asked.length).toBeGreaterThan(3);
			for (const name of asked) expect(Object.keys(environment)).toContain(name);
			const provider = readFileSync(join(ROOT, "dashboards/provisioning/dashboards/armspan.yaml"), "utf8");
			const folder = /path: (\S+)/.exec(provider)?.[1];
			expect(mounts(project.services.grafana!).map(({ target }) => target)).toContain(folder);
		});

		function waitsFor(name: string): string[] {
			const direct = Object.keys(project.services[name]?.depends_on ?? {});
			return [...direct, ...direct.flatMap(waitsFor)];
		}
	},
);
