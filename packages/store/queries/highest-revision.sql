-- A forged span may claim any revision. What lies beyond 2^52 is nobody's; what a service writes above it is still a number.
SELECT toString(greatest(
    (
        SELECT maxIf(routing_revision, routing_revision < 4503599627370496) FROM calls
        WHERE {environment:String} = '' OR environment IN ('', {environment:String})
    ),
    (
        SELECT maxIf(routing_revision, routing_revision < 4503599627370496) FROM exposures
        WHERE {environment:String} = '' OR environment IN ('', {environment:String})
    ),
    (
        SELECT max(JSONExtractUInt(decision, 'lastRevision')) FROM decisions
        WHERE {environment:String} = '' OR environment IN ('', {environment:String})
    )
)) AS revision
SETTINGS max_execution_time = 10
