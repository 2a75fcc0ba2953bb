export { assertFolderUnlocked } from "./folder-lock.ts";
export type { ForgetUnitOptions, ForgottenUnit } from "./forget-unit.ts";
export type {
	ArmTotals,
	CovariateMoments,
	GridCell,
	MetricSums,
	MetricTotals,
	MetricTotalsRequest,
	SegmentTotals,
	SegmentTotalsRequest,
	SqlSourceFacts,
	VersionTotalsRequest,
} from "./metrics/metric-totals.ts";
export type { SumsSinceStart, SumsSinceStartsRequest } from "./metrics/sums-since-starts.ts";
export { VALUE_GRID } from "./metrics/value-grid.ts";
export type { OverlapMoments, VersionOverlap } from "./metrics/version-overlap.ts";
export { openStore } from "./open-store.ts";
export { decodeLogs, decodeTraces } from "./otlp/decode.ts";
export { encodeExportResponse } from "./otlp/encode-export-response.ts";
export { transcodeLogs, transcodeTraces } from "./otlp/transcode.ts";
export { Transcoder } from "./otlp/transcoder.ts";
export type { Retention, RetentionOptions } from "./retention.ts";
export type {
	AttributeMap,
	Decoded,
	DecodedLogs,
	DecodedTraces,
	EncodedRows,
	LogRow,
	OtlpContentType,
	TraceEvent,
	TraceLink,
	TraceRow,
} from "./rows.ts";
export type { Snapshot, SnapshotArm, SnapshotKeep, WrittenLook } from "./snapshots/snapshot.ts";
export type {
	CallIdentity,
	ClusterOptions,
	EvidenceHealth,
	EvidenceKey,
	IterationKey,
	RatioMoments,
	Store,
	StoreCounts,
	StoreOptions,
	StrayUnits,
	ViolationWindows,
} from "./store.ts";
export { StoreError, type StoreErrorCode, type StoreErrorDetails } from "./store-error.ts";
export { storeOfEnvironment } from "./store-of-environment.ts";
export type { SealedUnits, SealRequest } from "./unit-sums/seal-unit-sums.ts";
export type { UserSqlLimits, UserSqlResult } from "./user-sql.ts";
