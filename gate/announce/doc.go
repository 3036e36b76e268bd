// Package announce tells people and machines of verdicts that nobody asked for:
// those on images whose scan EventBridge says has ended. An image that was clean
// when it was deployed is judged again, and who listens hears of it.
package announce
