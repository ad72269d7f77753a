package import HaggleCore

/// What is needed of the conversions of one impression to compute any metric.
package struct RewardSums: Hashable, Sendable {
    /// Conversions with a value of 0 or more.
    package var events: Int
    /// Conversions with a negative value: refunds, cancellations.
    package var reversals: Int
    /// Sum of the values.
    package var value: Double
    /// Sum of the margins that conversions carry themselves.
    package var givenMargin: Double
    /// Sum of the values of conversions without a margin of their own.
    package var unmarginedValue: Double

    package init(events: Int = 0, reversals: Int = 0, value: Double = 0, givenMargin: Double = 0, unmarginedValue: Double = 0) {
        self.events = events
        self.reversals = reversals
        self.value = value
        self.givenMargin = givenMargin
        self.unmarginedValue = unmarginedValue
    }

    package init(_ conversions: some Sequence<Conversion>) {
        self.init()
        for conversion in conversions { add(value: conversion.value, margin: conversion.margin) }
    }

    package mutating func add(value: Double, margin: Double?) {
        if value >= 0 { events += 1 } else { reversals += 1 }
        self.value += value
        if let margin { givenMargin += margin } else { unmarginedValue += value }
    }

    package var isEmpty: Bool { events == 0 && reversals == 0 }
}
