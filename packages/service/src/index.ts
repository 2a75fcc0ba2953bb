export { type PowerPlanOptions, powerPlan } from "@armspan/analysis";
export { assertFolderUnlocked, type StoreOptions } from "@armspan/store";
export {
	checkMetricQueries,
	isWithoutEngine,
} from "./evidence/check-metric-queries.ts";
export { EvidenceReader, listMetrics, type ResultsRequest, type VersionsRequest } from "./evidence/evidence-reader.ts";
export { type OpenEvidence, type OpenEvidenceOptions, openEvidence } from "./evidence/open-evidence.ts";
export type { PowerRequest } from "./evidence/plan-of-history.ts";
export { type ForgetOptions, forgetUnit } from "./forget-unit.ts";
export { ServiceError, type ServiceErrorCode } from "./service-error.ts";
export { type Service, type ServiceOptions, startService } from "./start-service.ts";
