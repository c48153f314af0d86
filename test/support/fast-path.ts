/** Whether hubs under test answer documents they know without the pipeline: TEST_FAST_PATH=off runs the same tests without. */
export const fastPath = process.env['TEST_FAST_PATH'] !== 'off'
