import AsyncHTTPClient
import Foundation
package import HaggleCore
import NIOCore
import NIOHTTP1
import NIOPosix

/// Talks to a running service over HTTP.
package struct ServiceClient: Sendable {
    /// The answer to one assignment request, as the service sent it.
    package struct Answer: Sendable, Codable, Hashable {
        package var impressionID: ImpressionID
        package var experiment: ExperimentKey
        package var version: Int
        package var variant: String
        package var arm: ArmKey
        package var discount: Double?
        package var payload: JSONValue?
        package var propensity: Double?
        package var snapshot: Int?
        package var reason: Reason
        package var disclosure: String?

        enum CodingKeys: String, CodingKey {
            case impressionID = "impression_id"
            case experiment, version, variant, arm, discount, payload, propensity, snapshot, reason, disclosure
        }
    }

    /// The answer to a batch of conversions.
    package struct Receipt: Sendable, Codable, Hashable {
        package struct Rejection: Sendable, Codable, Hashable {
            package var index: Int
            package var code: String
            package var detail: String
        }

        package var accepted: Int
        package var duplicates: Int
        package var rejected: [Rejection]
    }

    /// What is sent for one conversion.
    package struct OutgoingConversion: Sendable, Codable, Hashable {
        package var conversionID: String
        package var impressionID: ImpressionID
        package var kind: String
        package var value: Double

        enum CodingKeys: String, CodingKey {
            case conversionID = "conversion_id"
            case impressionID = "impression_id"
            case kind, value
        }

        package init(conversionID: String, impressionID: ImpressionID, kind: String, value: Double) {
            self.conversionID = conversionID
            self.impressionID = impressionID
            self.kind = kind
            self.value = value
        }
    }

    private struct AssignmentRequest: Codable {
        var unit: UnitID
        var context: Context
    }

    private struct Problem: Codable {
        var code: String
        var detail: String
    }

    /// Base address such as `http://127.0.0.1:8080`.
    package let server: String
    private let apiKey: String?
    private let client: HTTPClient

    /// - Parameter apiKey: sent as a bearer token where given.
    package init(server: String, apiKey: String?) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.apiKey = apiKey
        client = HTTPClient(configuration: HTTPClient.Configuration(timeout: .init(connect: .seconds(5), read: .seconds(30))))
    }

    /// Lends a client and closes its connections afterwards.
    package static func with<Value>(
        server: String, apiKey: String? = nil, _ body: (ServiceClient) async throws -> Value
    ) async throws -> Value {
        let client = ServiceClient(server: server, apiKey: apiKey)
        let result: Value
        do {
            result = try await body(client)
        } catch {
            try? await client.client.shutdown()
            throw error
        }
        try await client.client.shutdown()
        return result
    }

    /// One assignment.
    package func assign(_ experiment: ExperimentKey, unit: UnitID, context: Context) async throws -> Answer {
        let body = try JSONEncoder().encode(AssignmentRequest(unit: unit, context: context))
        return try await decode(Answer.self, from: post("/v1/experiments/\(Self.escaped(experiment.rawValue))/assignments", body))
    }

    /// A batch of conversions, at most 1 000.
    package func convert(_ conversions: [OutgoingConversion]) async throws -> Receipt {
        try await decode(Receipt.self, from: post("/v1/conversions", JSONEncoder().encode(conversions)))
    }

    private func post(_ path: String, _ body: Data) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: server + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        if let apiKey { request.headers.add(name: "Authorization", value: "Bearer \(apiKey)") }
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            return try await client.execute(request, timeout: .seconds(30))
        } catch let error as HTTPClientError {
            throw WorkbenchError.serviceUnreachable(server: server, reason: "\(error)")
        } catch let error as NIOConnectionError {
            throw WorkbenchError.serviceUnreachable(
                server: server, reason: "\(error.connectionErrors.first.map { "\($0.error)" } ?? "no address")")
        }
    }

    private func decode<Value: Decodable>(_ type: Value.Type, from response: HTTPClientResponse) async throws -> Value {
        let body = Data(buffer: try await response.body.collect(upTo: 4 << 20))
        guard response.status == .ok else {
            let problem = try? JSONDecoder().decode(Problem.self, from: body)
            throw WorkbenchError.serviceRefused(
                status: Int(response.status.code), code: problem?.code ?? "unknown", detail: problem?.detail ?? response.status.reasonPhrase
            )
        }
        return try JSONDecoder().decode(type, from: body)
    }

    private static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-_."))) ?? text
    }
}

extension Data {
    fileprivate init(buffer: ByteBuffer) { self = Data(buffer.readableBytesView) }
}
