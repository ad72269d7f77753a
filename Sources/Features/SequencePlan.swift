import HaggleCore
import HaggleMath

/// How past events become columns: as they are, for encoders that read them in order, or as order-free summaries for every other model.
struct SequencePlan: Hashable, Sendable, Codable {
    /// A number field of an event: sign(x) log(1 + |x|), standardised over the events of the fitted data, cut at +-20.
    struct Number: Hashable, Sendable, Codable {
        var name: String
        var mean: Double
        var factor: Double

        func encoded(_ value: ContextValue?) -> Float {
            guard case .number(let number)? = value, number.isFinite else { return 0 }
            return Float(min(max((Self.compressed(number) - mean) * factor, -20), 20))
        }

        static func compressed(_ number: Double) -> Double {
            let size = ElementaryFunctions.logOnePlus(abs(number))
            return number < 0 ? -size : size
        }
    }

    struct Category: Hashable, Sendable, Codable {
        var name: String
        var buckets: Int

        func bucket(_ value: ContextValue?) -> Int {
            switch value {
            case .text(let text): FeaturePlan.bucket(of: text, buckets: buckets)
            // A number in place of a name, as codes of goods often are.
            case .number(let number):
                FeaturePlan.bucket(of: number == number.rounded() ? "\(Int64(number))" : "\(number)", buckets: buckets)
            default: 0
            }
        }
    }

    let numbers: [Number]
    let categories: [Category]
    /// Most events; of more the newest.
    let length: Int
    /// Whether the events themselves are written, behind all other columns; else their summaries.
    let keepsOrder: Bool

    /// - Parameter fields: moments of each number field over the fitted events, by name.
    init(fields: [Feature.SequenceField], length: Int, moments: [String: RunningMoments], keepsOrder: Bool) {
        var numbers: [Number] = []
        var categories: [Category] = []
        for field in fields {
            switch field.kind {
            case .number:
                let fitted = moments[field.name]
                let deviation = (fitted?.variance ?? 0).squareRoot()
                numbers.append(Number(name: field.name, mean: fitted?.mean ?? 0, factor: deviation > 1e-9 ? 1 / deviation : 1))
            case .hashedCategory(let buckets): categories.append(Category(name: field.name, buckets: buckets))
            }
        }
        self.numbers = numbers
        self.categories = categories
        self.length = length
        self.keepsOrder = keepsOrder
    }

    private var fieldCount: Int { numbers.count + categories.count }
    var width: Int {
        keepsOrder ? 1 + length * fieldCount : 1 + 2 * numbers.count + categories.reduce(0) { $0 + $1.buckets }
    }

    func columnNames(_ name: String) -> [String] {
        if keepsOrder {
            return ["\(name):count"]
                + (0..<length).flatMap { event in
                    (numbers.map(\.name) + categories.map(\.name)).map { "\(name)[\(event)].\($0)" }
                }
        }
        return ["\(name):count"] + numbers.flatMap { ["\(name).\($0.name):mean", "\(name).\($0.name):newest"] }
            + categories.flatMap { category in (0..<category.buckets).map { "\(name).\(category.name)#\($0)" } }
    }

    /// Writes `width` columns.
    func encode(_ value: ContextValue?, into output: inout MutableSpan<Float>, at column: Int) {
        for index in column..<column + width { output[index] = 0 }
        guard case .events(let all)? = value else { return }
        let events = all.suffix(length)
        if keepsOrder {
            output[column] = Float(events.count)
            var place = column + 1
            for event in events {
                for number in numbers {
                    output[place] = number.encoded(event[number.name])
                    place += 1
                }
                for category in categories {
                    output[place] = Float(category.bucket(event[category.name]))
                    place += 1
                }
            }
            return
        }
        guard let newest = events.last else { return }
        output[column] = Float(ElementaryFunctions.logOnePlus(Double(events.count)))
        let share = 1 / Float(events.count)
        var place = column + 1
        for number in numbers {
            for event in events { output[place] += share * number.encoded(event[number.name]) }
            output[place + 1] = number.encoded(newest[number.name])
            place += 2
        }
        for category in categories {
            for event in events { output[place + category.bucket(event[category.name])] += share }
            place += category.buckets
        }
    }

    var isPossible: Bool {
        (1...4096).contains(length) && numbers.allSatisfy { $0.mean.isFinite && $0.factor.isFinite }
            && categories.allSatisfy { (1...1 << 20).contains($0.buckets) } && fieldCount > 0
    }
}
