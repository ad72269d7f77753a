import Foundation
import HaggleCore
import Reporting
import Testing

struct AuditReportTests {
    private static func report(mismatches: Int) -> AuditReport {
        var report = AuditReport(experiment: "checkout", through: 12_345, build: "ab12", platform: "linux-x86_64-00ff00ff")
        for number in 0..<mismatches {
            report.count(
                AuditReport.Mismatch(
                    position: Int64(number), impression: "id-\(number)", experimentVersion: 3, snapshot: 7,
                    differences: [.init(field: "propensity", expected: "0.25", found: "0.5")]))
        }
        report.count(.imported)
        report.rows += 1000
        report.bits += 1000
        return report
    }

    @Test func cleanReportSaysSoAndNamesTheBuild() {
        let text = Self.report(mismatches: 0).text()
        #expect(text.contains("Every row that can be recomputed agrees."))
        #expect(text.contains("build ab12 on linux-x86_64-00ff00ff"))
        #expect(text.contains("imported"))
        #expect(!text.contains("expected"))
    }

    @Test func onlyTheFirstMismatchesAreDescribed() throws {
        let report = Self.report(mismatches: 25)
        #expect(report.mismatches == 25 && report.rows == 1026 && report.firstMismatches.count == 20)
        let text = report.text()
        #expect(text.contains("25 rows do not agree") && text.contains("id-19") && !text.contains("id-20"))
        #expect(try JSONDecoder().decode(AuditReport.self, from: Data(report.json().utf8)) == report)
    }
}
