import type { StoreOptions } from "@armspan/service";

/** A ClickHouse server, with the users that the environment names. */
export function clickHouseServer(url: string): Extract<StoreOptions, { kind: "server" }> {
	const { CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, CLICKHOUSE_READER_USER, CLICKHOUSE_READER_PASSWORD } = process.env;
	return {
		...{ kind: "server", url },
		...(CLICKHOUSE_USER === undefined ? {} : { username: CLICKHOUSE_USER }),
		...(CLICKHOUSE_PASSWORD === undefined ? {} : { password: CLICKHOUSE_PASSWORD }),
		...(CLICKHOUSE_READER_USER === undefined
			? {}
			: {
					reader: {
						username: CLICKHOUSE_READER_USER,
						...(CLICKHOUSE_READER_PASSWORD === undefined ? {} : { password: CLICKHOUSE_READER_PASSWORD }),
					},
				}),
	};
}
