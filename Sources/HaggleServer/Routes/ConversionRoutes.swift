import EventLog
import HaggleCore
import Hummingbird

/// `POST /v1/conversions`: one conversion or an array of them.
struct ConversionRoutes: Sendable {
    let registry: ExperimentRegistry
    let sink: any EventSink
    let clock: ImpressionClock
    let metrics: ServiceMetrics

    func add(to router: Router<ServiceRequestContext>) {
        router.post("/v1/conversions") { request, _ in
            try await metrics.time(.convert) {
                let now = clock.now()
                let elements = try await readBody(request) { bytes throws(JSONProblem) in try ConversionBody.read(bytes, now: now) }
                var conversions: [Conversion] = []
                var places: [Int] = []
                var rejections: [ConversionBody.Rejection] = []
                for (index, element) in elements.enumerated() {
                    switch element {
                    case .failure(let rejection): rejections.append(rejection)
                    case .success(let conversion):
                        if case .unit(_, let key) = conversion.subject, registry[key] == nil {
                            rejections.append(
                                .init(index: index, code: "unknown_experiment", detail: "no experiment '\(key)' has been applied"))
                        } else {
                            conversions.append(conversion)
                            places.append(index)
                        }
                    }
                }
                let receipt = try await sink.append(conversions)
                rejections += receipt.rejected.map { .init(index: places[$0.index], code: $0.code.rawValue, detail: $0.detail) }
                metrics.countConversions(accepted: receipt.accepted, duplicates: receipt.duplicates, rejected: rejections.count)
                return Response(json: Self.answer(receipt.accepted, receipt.duplicates, rejections))
            }
        }
    }

    private static func answer(_ accepted: Int, _ duplicates: Int, _ rejections: [ConversionBody.Rejection]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("accepted")
        writer.integer(accepted)
        writer.key("duplicates")
        writer.integer(duplicates)
        writer.key("rejected")
        writer.beginArray()
        for rejection in rejections.sorted(by: { $0.index < $1.index }) {
            writer.beginObject()
            writer.key("index")
            writer.integer(rejection.index)
            writer.key("code")
            writer.string(rejection.code)
            writer.key("detail")
            writer.string(rejection.detail)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}
