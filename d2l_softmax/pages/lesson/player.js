/** Playing an experiment: a button starts and pauses it, each animation frame advances it. */

/** Calls `advance` in each frame while it plays and its panel is in view. */
class Player {
  /** `outputs` are the elements with sentences that change while it plays. */
  constructor(button, outputs, advance) {
    Object.assign(this, { button, outputs, advance, frame: 0, isPlaying: false, isVisible: false });
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.isVisible = isIntersecting;
      this.requestFrame();
    }).observe(button.closest(".panel"));
    drawLocalized(() => this.set(this.isPlaying));
  }

  /** Play, or pause. */
  set(isPlaying) {
    this.isPlaying = isPlaying;
    this.requestFrame();
    this.button.setAttribute("aria-pressed", isPlaying);
    this.button.textContent = tr(isPlaying ? "pause" : "play");
    // A screen reader would read a sentence a frame.
    for (const each of this.outputs) each.setAttribute("aria-live", isPlaying ? "off" : "polite");
  }

  /** Request the next animation frame, one at a time. */
  requestFrame() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      if (!this.isPlaying || !this.isVisible) return;
      this.requestFrame();
      this.advance();
    });
  }
}
