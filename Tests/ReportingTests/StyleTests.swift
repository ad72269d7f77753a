import Foundation
import Testing

@testable import Reporting

/// Contrast as WCAG 2.2 defines it, computed from the style's own colours.
@Suite struct StyleTests {
    enum Scheme: String, CaseIterable, Sendable { case light, dark, print }

    /// The variables that hold in a scheme: those of light, overridden by those of its media query.
    private static func colours(_ scheme: Scheme) throws -> [String: String] {
        let roots = ChartStyle.variables.matches(of: #/:root\{([^}]*)\}/#).map { String($0.1) }
        try #require(roots.count == 3)
        let index = try #require(Scheme.allCases.firstIndex(of: scheme))
        var colours: [String: String] = [:]
        for root in index == 0 ? [roots[0]] : [roots[0], roots[index]] {
            for match in root.matches(of: #/--([a-z0-9-]+):(#[0-9a-f]{3,6})/#) { colours[String(match.1)] = String(match.2) }
        }
        return colours
    }

    /// Relative luminance of an sRGB colour, W3C's definition.
    private static func luminance(_ hex: String) throws -> Double {
        var digits = hex.dropFirst().map(String.init)
        if digits.count == 3 { digits = digits.flatMap { [$0, $0] } }
        try #require(digits.count == 6)
        let channels = try stride(from: 0, to: 6, by: 2).map { index in
            let value = Double(try #require(Int(digits[index] + digits[index + 1], radix: 16))) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    }

    static func contrast(_ one: String, _ other: String) throws -> Double {
        let (a, b) = (try luminance(one), try luminance(other))
        return (max(a, b) + 0.05) / (min(a, b) + 0.05)
    }

    @Test func theFormulaGivesTheKnownValues() throws {
        #expect(abs(try Self.contrast("#000", "#ffffff") - 21) < 1e-9)
        // The published example of a grey that just fails on white.
        #expect(abs(try Self.contrast("#777777", "#ffffff") - 4.48) < 0.005)
    }

    @Test(arguments: Scheme.allCases) func wordsCanBeReadOnEveryGround(scheme: Scheme) throws {
        let colours = try Self.colours(scheme)
        for ink in ["ink", "soft", "good", "bad", "warn", "accent"] {
            for ground in ["card", "paper"] {
                let ratio = try Self.contrast(try #require(colours[ink]), try #require(colours[ground]))
                #expect(ratio >= 4.5, "\(scheme): \(ink) on \(ground) is \(ratio)")
            }
        }
    }

    /// 3:1 is WCAG's limit for what is drawn.
    @Test(arguments: Scheme.allCases) func drawingsStandOutFromTheirGround(scheme: Scheme) throws {
        let colours = try Self.colours(scheme)
        let marks = colours.keys.filter { $0.hasPrefix("c-") }.sorted() + ["accent", "ink", "bad"]
        #expect(marks.count == 11)
        for mark in marks {
            let ratio = try Self.contrast(try #require(colours[mark]), try #require(colours["card"]))
            #expect(ratio >= 3, "\(scheme): \(mark) is \(ratio)")
        }
    }

    /// Every colour that a rule uses is a variable, so that no scheme is forgotten; the hairlines of paper are the exception.
    @Test func rulesNameNoColoursOfTheirOwn() {
        let rules = PageStyle.css.replacing(ChartStyle.variables, with: "")
        #expect(rules.matches(of: #/#[0-9a-fA-F]{3,6}\b/#).allSatisfy { $0.0 == "#bbb" })
    }
}
