import Foundation

/// Text in base64, as basic authentication has it.
enum Base64Text {
    /// - Returns: nil where it is no base64 or no UTF-8.
    static func decode(_ text: some StringProtocol) -> String? {
        Data(base64Encoded: String(text)).flatMap { String(data: $0, encoding: .utf8) }
    }
}
