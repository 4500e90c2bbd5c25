"""The public names, all of them: a change here is a decision, and belongs in the changelog."""

import importlib
import importlib.resources

import pytest

PUBLIC = {
    "gankit": """
        ArraySource Claim Data DataError Evaluation GankitError LoadedRun Monitor Phase Recipe RecipeConfig
        Schedule Section Selection Source Stage Terms Training Turn UsageError __version__ load train
    """,
    "gankit.datasets": """
        Card all_cards named resolve
    """,
    "gankit.engine": """
        ArraySource FunctionSource gather global_mean logical_cpus precision random
    """,
    "gankit.export": """
        export to_onnx
    """,
    "gankit.images": """
        Augmented BicubicUpscale Crop EXTENSIONS Fit Flip ImageCrops Jitter MAX_PIXELS PictureSet PictureSource
        Pictures PixelShuffle Pixels Reductions Survey check_pictures class_files downscale image_size imresize
        list_images load_pixels open_crops open_pairs open_picture_table open_pictures open_unpaired picture_grid
        read_each read_image resize_matrix survey_images to_uint8 upscale
    """,
    "gankit.images.features": """
        Embedding Features classifier_possible classifier_ready content_distance embedding feature_distance
        feature_network locate_embedding
    """,
    "gankit.images.metrics": """
        PictureScores duplicate_rate luma ms_ssim ms_ssim_diversity niqe patch_wasserstein psnr score_pictures
        ssim_daala ssim_wang super_resolution_scores
    """,
    "gankit.metrics": """
        Difference InceptionScore Moments Score difference fid frechet_distance kid memorisation
        neighbour_scores polynomial_mmd2 sliced_wasserstein
    """,
    "gankit.monitors": """
        Alarm AlarmRules Reference watch_statistics
    """,
    "gankit.nn": """
        ADVERSARIAL AdamOptions AdaptiveAugmentation Adversarial AdversarialOptions Dropout ImagePool
        LossName MinibatchDiscrimination MinibatchStandardDeviation Muon Players RunningMean
        ScheduleName SpectralConv2D SpectralDense WeightClipping absolute_error adversarial_stage
        augment cross_entropy dragan feature_matching gradient_norm_penalty per_example squared_error
        squared_gradient wgan_gp
    """,
    "gankit.report": """
        Album data_uri document write_report
    """,
    "gankit.runs": """
        LoadedRun Results Run assign build_networks find_run fit load provenance runs_root train versions
    """,
    "gankit.support": """
        Bar Jobs Listener Progress TextTable TrainingBar columns_of duration figure finite flat home human
        new_folder offline open_picture peak_mb read_facts read_network read_stored read_tensors sha256 slug text_lines
        vacant whole write write_csv write_json write_network
    """,
    "gankit.testing": """
        CHECKS FAST check_recipe tiny_pictures
    """,
    "gankit.commands": """
        Commands common_options complete_recipe complete_run jobs_options json_option open_run print_csv print_error
        print_evaluation print_json print_table quiet_tensorflow ready rows_options run_argument
        runs_dir_option show_evaluation talk
    """,
    "gankit.config": """
        RecipeConfig Section Training resolve
    """,
    "gankit.errors": """
        CheckpointError ConfigError DataError GankitError NonFinite Offline PluginError RecipeError RunLocked
        Stopped UsageError did_you_mean
    """,
}


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_are_these(module):
    assert sorted(importlib.import_module(module).__all__) == PUBLIC[module].split()


def test_every_public_name_is_there():
    for module in PUBLIC:
        loaded = importlib.import_module(module)
        assert all(getattr(loaded, name) is not None for name in loaded.__all__)


def test_no_package_with_a_stub_is_missing():
    import gankit

    root = importlib.resources.files(gankit)
    stubs = {".".join(("gankit", *path.parent.relative_to(root).parts)) for path in root.rglob("__init__.pyi")}
    assert stubs <= set(PUBLIC)
