/** An experiment that takes steps: one by a button, one after the other while it plays. */

const REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * The buttons of an experiment, which has functions: `begin` starts anew, `step` takes a step,
 * `advance` takes steps and draws. While it plays and its panel is in view, each frame advances it.
 */
class Player {
  /** `outputs` are the elements with sentences that change while it plays. */
  constructor(name, outputs, { begin, step, draw, advance }) {
    Object.assign(this, { outputs, begin, draw, advance, isPlaying: false, isVisible: false });
    this.button = find(`${name}-play`);
    this.button.addEventListener("click", () => {
      this.set(!this.isPlaying);
      if (!this.isPlaying) draw(); // with reduced motion the last steps were not drawn
    });
    onClick(`${name}-again`, () => this.restart());
    onClick(`${name}-step`, () => {
      this.set(false);
      step();
      draw();
    });
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.isVisible = isIntersecting;
      this.requestFrame();
    }).observe(this.button.closest(".panel"));
    this.restart();
    drawings.push(() => this.set(this.isPlaying), draw);
  }

  restart() {
    this.begin();
    this.set(false);
    this.draw();
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
